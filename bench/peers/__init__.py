"""What dides is compared to, each a script of its own."""
