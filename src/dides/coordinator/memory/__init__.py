"""What one coordinator process knows: instances, last-seen times, waiters, pacing."""
