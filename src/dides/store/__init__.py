"""Durable storage. It compares and sets; it decides nothing."""
