"""Who does something, as events and deployments say it: typed, so that an instance named `operator` is no operator."""

SYSTEM = "system"
"""The coordinator, by itself."""
OPERATOR = "operator"
ANONYMOUS = "anonymous"
"""Nobody in particular, in the development mode."""
INSTANCE = "instance:"
"""With what the actor begins that is an instance; its name follows."""


def instance_actor(name: str) -> str:
    """Return an instance as an actor."""
    return f"{INSTANCE}{name}"


def is_itself(actor: str, instance: str | None) -> bool:
    """Tell whether an actor is the instance that its event is about."""
    return instance is not None and actor == instance_actor(instance)
