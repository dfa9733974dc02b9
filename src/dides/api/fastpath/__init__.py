"""Heartbeats and blocking queries, answered on their connection."""
