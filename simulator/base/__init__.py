"""What a simulated world stands on: the virtual clock and loop, the disk, the scenario, the trace."""
