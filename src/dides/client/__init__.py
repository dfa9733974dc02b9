"""A typed HTTP client for the coordinator, used by the agent and the command line."""
