"""Runs the program as `python -m dides`."""

from dides.cli.process import run

if __name__ == "__main__":
    run()
