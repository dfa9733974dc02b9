"""The nouns of dides: frozen values without I/O."""
