"""What the checker knows by itself, beside the coordinators, and how it looks at every commit."""
