"""What the benchmarks share: processes on their own cores, filled databases, rounds, reports."""
