"""How an agent runs other programs: the apply under its supervisor, and the check."""
