"""What people read, once for the command line and the pages. Pure: no store, no network."""
