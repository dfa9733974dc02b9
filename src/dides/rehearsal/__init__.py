"""Rehearsal: many runs of a rollout through the engine, in memory. Start reading in rehearse.py."""
