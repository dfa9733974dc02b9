"""What must hold after every transaction, and at the end of every world. The list is in catalogue.py."""
