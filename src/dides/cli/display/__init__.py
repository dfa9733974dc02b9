"""What the command line shows: tables, progress, hints, exit codes."""
