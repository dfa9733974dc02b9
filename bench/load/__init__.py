"""A load generator for heartbeats: one process, one core, raw connections, closed or open loop."""
