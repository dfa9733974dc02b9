"""The agent: brings one instance to its desired state and reports how it is."""
