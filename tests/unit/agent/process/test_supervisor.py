"""The file that a supervisor is made of: what it needs while an apply replaces everything around it."""

import ast
import json
import os
import sys
from pathlib import Path

import pytest

from dides.agent.process import supervisor

SOURCE = Path(supervisor.__file__).read_text(encoding="utf-8")


def test_it_uses_the_standard_library_alone_and_imports_at_its_top_only() -> None:
    tree = ast.parse(SOURCE)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    assert all(node in tree.body for node in imports)
    names = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    assert len(names) == len(imports), "no `from`, which could name a package"
    assert set(names) <= sys.stdlib_module_names


def test_python_imports_nothing_once_the_apply_has_begun(tmp_path: Path) -> None:
    lock, output = tmp_path / "apply.lock", tmp_path / "apply.log"
    with Path(supervisor.__file__).open("rb") as source, lock.open("w+b") as locked, output.open("w+b") as written:
        streams = (source, written, written, locked)
        python = (sys.executable, "-X", "importtime", "-I", "-S", "-", "run-1", "60", "echo begun; sleep 0.3; exit 3")
        pid = os.posix_spawn(
            sys.executable,
            python,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, stream.fileno(), number) for number, stream in enumerate(streams)],
        )
        _, status = os.waitpid(pid, 0)
    before, _, after = output.read_text().partition("begun\n")
    assert "import time:" in before
    assert after == ""
    assert status == 0
    found = json.loads(lock.read_text())
    assert found == {"run": "run-1", "ended": True, "code": 3, "in_time": True}


@pytest.mark.parametrize("size", [10, supervisor.LIMIT, supervisor.LIMIT + 1])
def test_only_output_that_is_too_long_is_cut_back(tmp_path: Path, size: int) -> None:
    with (tmp_path / "output").open("a+b", buffering=0) as output:
        output.write(b"x" * (size - 3) + b"end")
        supervisor.trim(output.fileno())
        kept = size if size <= supervisor.LIMIT else supervisor.TAIL
        assert os.fstat(output.fileno()).st_size == kept
        assert supervisor.read_tail(output.fileno()).endswith(b"xend"[-kept:])
