"""`dides rehearse`."""
