"""dides rolls a version out over a fleet of instances, a few at a time, and takes it back when it fails."""
