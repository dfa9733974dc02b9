"""The units of work that properties look at by their names, which `dides.sim.store.name_of` finds."""

STEP = "step"
"""Takes a step: Reconciler.step."""
TAKE_IN = "write"
"""Stores heartbeats: Heartbeats._write."""
