"""What runs all the time: reconciler, heartbeat queue, silence, outages, event tail, retention."""
