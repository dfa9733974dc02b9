"""Functions of one transaction: trigger, step, ingest, registration, convergence."""
