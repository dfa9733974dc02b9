"""HTTP/1.1 as far as a load generator needs it: requests as ready bytes, answers by their status and length."""

import re

_LENGTH = b"content-length: "
_ANY_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after:[ \t]*\d", re.IGNORECASE)
END_OF_HEAD = b"\r\n\r\n"


class MalformedAnswerError(Exception):
    """An answer that this reader does not understand: without a length, or not HTTP/1.1 at all."""


def request_of(method: str, path: str, credential: str, body: bytes | None = None) -> bytes:
    """Return a request. The headers are few, so that reading them does not hide what the server does besides."""
    return head_of(method, path, credential, 0 if body is None else len(body)) + (body or b"")


def head_of(method: str, path: str, credential: str, length: int) -> bytes:
    """Return what comes before a body of `length` bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {credential}"]
    if method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_length(data: bytes) -> int:
    """Return how many bytes the first answer in `data` has, or 0 while it is not complete."""
    end = data.find(END_OF_HEAD)
    if end < 0:
        return 0
    at = data.find(_LENGTH, 0, end)
    body = int(data[at + 16 : data.find(b"\r\n", at, end + 2)]) if at > 0 else _length_in(data[:end])
    whole = end + 4 + body
    return whole if whole <= len(data) else 0


def status_of(answer: bytes) -> int:
    """Return the status of an answer."""
    return int(answer[9:12])


def body_of(answer: bytes) -> bytes:
    """Return the body of a whole answer."""
    return answer.partition(END_OF_HEAD)[2]


def says_when_to_retry(answer: bytes) -> bool:
    """Tell whether an answer has Retry-After."""
    return bool(_RETRY_AFTER.search(answer, 0, answer.find(END_OF_HEAD)))


def _length_in(head: bytes) -> int:
    """Return the length of a body whose header is spelt otherwise, or is not there."""
    if found := _ANY_LENGTH.search(head):
        return int(found[1])
    if head[9:12] == b"204":
        return 0
    raise MalformedAnswerError(head.decode("latin-1"))
