"""The files that pages are made of: read once, and served under an address that changes with their content."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from dides.dashboard.guard import HEADERS, OPEN

MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".LICENSE": "text/plain"}
PREFIX = "/ui/assets"
FOREVER = "public, max-age=31536000, immutable"


class Assets(msgspec.Struct, frozen=True):
    """All of them."""

    digest: str
    """Names the content of all together, so that modules can import each other by relative names."""
    content: Mapping[str, bytes]
    """By path, such as "vendor/htmx.min.js"."""

    def url(self, path: str) -> str:
        """Return the address of a file; KeyError when there is none."""
        if path not in self.content:
            raise KeyError(path)
        return f"{PREFIX}/{self.digest}/{path}"


@cache
def assets() -> Assets:
    """Return the files of the package."""
    content = dict(sorted(_files_in(files("dides.dashboard") / "assets", "")))
    digest = hashlib.sha256()
    for path, data in content.items():
        digest.update(b"%s\0%d\0" % (path.encode(), len(data)) + data)
    return Assets(digest.hexdigest()[:16], content)


def _files_in(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _files_in(entry, f"{prefix}{entry.name}/")
        elif PurePosixPath(entry.name).suffix in MEDIA_TYPES:
            found.append((f"{prefix}{entry.name}", entry.read_bytes()))
    return found


@get(f"{PREFIX}/{{digest:str}}/{{file:path}}", opt={OPEN: True})
async def asset(digest: FromPath[str], file: FromPath[str]) -> Response[bytes]:
    """Serve a file; what has another digest was another file."""
    content = assets().content.get(file.lstrip("/"))
    if content is None or digest != assets().digest:
        raise NotFoundException
    media_type = MEDIA_TYPES[PurePosixPath(file).suffix]
    return Response(content, media_type=media_type, headers={**HEADERS, "Cache-Control": FOREVER})
