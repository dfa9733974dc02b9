"""The coordinator's services: they read a snapshot, ask the engine, and write its plan in one transaction."""
