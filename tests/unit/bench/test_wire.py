"""The load generator reads answers as they are cut on the wire."""

import asyncio

import pytest

from load.connection import Connection
from load.wire import (
    MalformedAnswerError,
    answer_length,
    body_of,
    request_of,
    says_when_to_retry,
    status_of,
)

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length:0\r\nX: y\r\n\r\n"


class Heard(Connection):
    """Keeps what it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[bytes] = []

    def answered(self, answer: bytes) -> None:
        """Keep it."""
        self.answers.append(answer)


@pytest.mark.parametrize("answer", [ANSWER, REFUSAL, b"HTTP/1.1 204 No Content\r\ndate: now\r\n\r\n"])
def test_an_answer_is_complete_at_its_last_byte_and_not_before(answer: bytes) -> None:
    assert [answer_length(answer[:end]) for end in range(len(answer))] == [0] * len(answer)
    assert answer_length(answer) == len(answer)


def test_what_follows_an_answer_is_not_part_of_it() -> None:
    assert answer_length(ANSWER + REFUSAL) == len(ANSWER)


def test_an_answer_without_a_length_is_an_error_and_not_an_endless_wait() -> None:
    with pytest.raises(MalformedAnswerError):
        answer_length(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")


def test_status_body_and_retry_after_are_read() -> None:
    assert (status_of(ANSWER), body_of(ANSWER), says_when_to_retry(ANSWER)) == (200, b"{}", False)
    assert (status_of(REFUSAL), body_of(REFUSAL), says_when_to_retry(REFUSAL)) == (503, b"", True)


def test_a_retry_after_in_the_body_does_not_count() -> None:
    answer = b"HTTP/1.1 503 No\r\ncontent-length: 16\r\n\r\n\r\nretry-after: 1"
    assert not says_when_to_retry(answer)


@pytest.mark.parametrize("cut", range(1, len(ANSWER)))
def test_a_connection_puts_the_pieces_of_an_answer_together(cut: int) -> None:
    heard = Heard()
    heard.connection_made(asyncio.Transport())
    for piece in (ANSWER[:cut], ANSWER[cut:], REFUSAL):
        heard.data_received(piece)
    assert heard.answers == [ANSWER, REFUSAL]


def test_a_request_says_how_long_its_body_is() -> None:
    head, _, body = request_of("PATCH", "/x", "secret", b'{"status":1}').partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"PATCH /x HTTP/1.1"
    assert {b"Content-Length: 12", b"Authorization: Bearer secret"} <= set(head.split(b"\r\n"))
    assert body == b'{"status":1}'
