"""`dides demo`."""
