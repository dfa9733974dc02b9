"""The rules of a rollout: pure functions, state and time in, a plan out. Read reconcile.py first."""
