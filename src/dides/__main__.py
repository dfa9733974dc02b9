"""Runs the program as `python -m dides`."""

from dides.cli.main import main

if __name__ == "__main__":
    main()
