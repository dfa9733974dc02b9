"""Simulated worlds: one seed drives clock, network, agents and coordinators. Start reading in world/world.py."""
