"""Why an agent cannot go on. Each text says what to do next; each kind has its own exit code."""


class AgentError(Exception):
    """The base of what ends an agent; `exit_code` is what the process ends with."""

    exit_code = 6


class SettingError(AgentError):
    """A setting that cannot be used, or that the coordinator refuses; `flag` names it."""

    exit_code = 2

    def __init__(self, flag: str, text: str) -> None:
        super().__init__(f"{flag}: {text}")
        self.flag = flag
        self.text = text


class StateDirectoryError(AgentError):
    """The state directory is in use by another agent, or cannot be read or written."""


class DecommissionedError(AgentError):
    """The coordinator has decommissioned this instance. Starting the agent again does not bring it back."""

    exit_code = 5


class UnknownCredentialError(AgentError):
    """The coordinator does not know this instance's credential (any more): it has to register again."""
