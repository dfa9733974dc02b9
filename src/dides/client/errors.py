"""What can go wrong between a client and the coordinator."""

from dides.protocol.messages import Problem


class ClientError(Exception):
    """The base of all errors of the client; its text is fit to show to a person."""


class EnvironmentVariableError(ClientError):
    """A variable of the environment with which nothing can be reached; `variable` names it."""

    def __init__(self, variable: str, text: str) -> None:
        super().__init__(f"{variable} in the environment cannot be used: {text}")
        self.variable = variable


class UnreachableError(ClientError):
    """No usable answer: the connection failed, timed out, or the coordinator is overloaded or away (5xx, 429)."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        """Seconds that the coordinator asks to wait, when it said so."""


class StoodStillError(UnreachableError):
    """The coordinator had stood still since the request was sent, and has accepted nothing: it may be sent again."""


class RefusedError(ClientError):
    """The coordinator understood the request and refused it; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        fields = "".join(f"\n  {error.field or 'body'}: {error.message}" for error in problem.errors)
        super().__init__(f"{problem.title}: {problem.detail}" if not fields else f"{problem.title}:{fields}")
        self.problem = problem

    @property
    def status(self) -> int:
        """The HTTP status code of the answer."""
        return self.problem.status
