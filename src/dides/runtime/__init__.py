"""What every process needs of its surroundings: clock, configuration, data directory, logs, service manager."""
