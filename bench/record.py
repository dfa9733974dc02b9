"""Turns what a benchmark printed with --output json into rows for docs/performance.md.

    make -s bench-heartbeats ARGS="--output json" | PYTHONPATH=bench .venv/bin/python bench/record.py

Prints a heading with the date and the machine, and a row for each figure that has a ratio or a goal; with --append the
same is written to the end of a page.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rig.report import Figure, Report, say


def main() -> None:
    """Read reports, one on each line of standard input, and write their rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--append", type=Path, metavar="PAGE", help="also write them to the end of this page")
    parser.add_argument("--all", action="store_true", help="also figures without a ratio or a goal")
    arguments = parser.parse_args()
    reports = [msgspec.json.decode(line, type=Report) for line in sys.stdin if line.startswith("{")]
    if not reports:
        sys.exit("no report on standard input: run the benchmark with --output json")
    text = "\n".join(line for report in reports for line in section(report, whole=arguments.all))
    print(text)
    if arguments.append:
        with arguments.append.open("a", encoding="utf-8") as page:
            page.write(f"\n{text}\n")


def section(report: Report, *, whole: bool) -> Iterator[str]:
    """Yield the lines about one report."""
    parameters = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in report.parameters.items())
    yield f"## {report.benchmark.capitalize()}, {report.at:%Y-%m-%d %H:%M} UTC"
    yield ""
    yield f"{report.machine}; load before it began {report.machine.load_before:g}. {parameters.capitalize()}."
    yield ""
    yield "| what | figure | ratio | goal |"
    yield "| --- | --- | --- | --- |"
    yield from (row(each) for each in report.figures if whole or each.ratio or each.goal)
    yield ""
    yield from (f"{note[:1].upper()}{note[1:]}." for note in report.notes)


def row(figure: Figure) -> str:
    """Return the row of one figure."""
    met = "" if figure.met is None else ", met" if figure.met else ", missed"
    ratio = "" if figure.ratio is None else say(figure.ratio, "")
    return f"| {figure.what} | {say(figure.value, figure.unit)} | {ratio} | {figure.goal}{met} |"


if __name__ == "__main__":
    main()
