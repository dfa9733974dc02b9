"""The deterministic simulator: one seed drives clock, network, agents and coordinators. Start reading in world.py."""
