"""What it costs one coordinator to hold a blocking query of everybody, and how soon they are woken.

Two coordinators with the same fleet, asked in turn: one holds a few queries, the other as many as this machine's limit
of open files allows. In every round a hundred instances are told something on each of them, and then everybody on the
full one. At the end SIGTERM has to answer all that is held.
"""

import argparse
import asyncio
import resource
import signal
import tempfile
from pathlib import Path
from time import perf_counter

from dides.protocol.messages import Deployment
from dides.runtime.datadir import OPERATOR_FILE
from load.fleet import Fleet
from load.held import Holders
from load.latency import Latency, summarize
from load.line import Line
from load.tally import LoadError
from load.wire import body_of, request_of
from rig.arguments import log, parser_of, run
from rig.coordinator import Coordinator, calm, coordinator
from rig.report import Report

TOLD = 100
"""How many are told at once among the many."""
FEW = 200
SPARE = 200
"""Open files that are left for everything else."""
SETTLE = 0.5
KIB = 1024
ROLLING, EVERYBODY = '{"role":"rolling"}', '{"env":"bench"}'


class Subject:
    """A coordinator, and those whose queries it holds."""

    def __init__(self, running: Coordinator, held: int) -> None:
        self.running = running
        self.holders = Holders(running.url, running.fleet, range(held))
        self.kib = [0.0, 0.0]
        """KiB of memory for each connection, and for each held query on one."""
        self.holding = 0.0
        """Microseconds of processor time for each query, from its first byte until it is held."""
        self.assignment = 0.0
        """Seconds of processor time that the last assignment took."""
        self._line = Line(running.url)
        self._token = running.processes.data.token(OPERATOR_FILE)
        self._version = 1

    async def hold(self) -> None:
        """Open all connections, then ask on all of them."""
        empty = self.running.resident_mib
        await self.holders.connect()
        await asyncio.sleep(SETTLE)
        connected, cpu = self.running.resident_mib, self.running.cpu_seconds
        self.holders.ask()
        await self.settle()
        held, self.holding = self.running.resident_mib, (self.running.cpu_seconds - cpu) / len(self.holders) * 1e6
        self.kib = [each * KIB / len(self.holders) for each in (connected - empty, held - connected)]

    async def settle(self) -> None:
        """Wait until every query is held."""
        wanted = f"dides_queries_held {float(len(self.holders))}\n".encode()
        end = perf_counter() + 60.0
        while wanted not in body_of(await self._line.ask(request_of("GET", "/metrics", self._token))):
            if self.holders.wrong or perf_counter() > end:
                raise LoadError(f"not every query is held; {self.holders.wrong[:3]}")
            await asyncio.sleep(0.05)
        await asyncio.sleep(SETTLE)

    async def tell(self, labels: str, count: int) -> tuple[Latency, Latency]:
        """Tell so many of something; return how long it took those who listen: from the trigger, and from the first."""
        self._version += 1
        self.holders.forget()
        body = f'{{"code_version":"{self._version}","labels":{labels},"configuration":{{"batch_size":{count}}}}}'
        begun, cpu = perf_counter(), self.running.cpu_seconds
        triggered = await self._line.get(request_of("POST", "/deploy", self._token, body.encode()), Deployment)
        listening = min(count, len(self.holders))
        await self.holders.until(lambda: len(self.holders.heard) >= listening)
        await self.settle()
        self.assignment = self.running.cpu_seconds - cpu
        heard = list(self.holders.heard)
        if triggered.progress.updating != count or len(heard) != listening:
            raise LoadError(f"{triggered.progress}, and {len(heard)} have heard of it")
        await self._line.get(request_of("POST", "/deploy/abort", self._token, b"{}"), Deployment)
        await self.settle()
        return summarize(at - begun for at in heard), summarize(at - min(heard) for at in heard)

    async def end(self) -> float:
        """Send SIGTERM; return the seconds until the last one that was held has its answer."""
        self.holders.forget()
        self.holders.leaving = True
        begun = perf_counter()
        self.running.processes.process("coordinator").send_signal(signal.SIGTERM)
        await self.holders.until(lambda: self.holders.answers >= len(self.holders))
        return perf_counter() - begun


async def measure(arguments: argparse.Namespace) -> Report:
    """Hold, tell, and stop."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = 1_000 if arguments.quick else min(arguments.held, limit - FEW - SPARE)
    fleet = Fleet(held)
    manual = [*calm(), "--reconcile-interval", "0"]
    report = Report(benchmark="held", parameters={"held": held, "few": FEW, "told": TOLD, "rounds": arguments.rounds})
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        async with (
            coordinator(Path(one), fleet, *manual, rolling=TOLD) as with_few,
            coordinator(Path(other), fleet, *manual, rolling=TOLD) as with_many,
        ):
            few, many = Subject(with_few, FEW), Subject(with_many, held)
            await few.hold()
            await many.hold()
            log(f"{held:,} queries are held: {many.kib} KiB for each connection, and for each query")
            await conclude(report, few, many, arguments.rounds)
            few.holders.close()
    return report


async def conclude(report: Report, few: Subject, many: Subject, rounds: int) -> None:
    """Measure the rounds and the end, and add the figures."""
    report.add("memory for each connection", [many.kib[0]], "KiB")
    report.add("memory for each held query on it", [many.kib[1]], "KiB")
    report.add("both", [sum(many.kib)], "KiB")
    report.add("CPU until a query is held", [many.holding], "µs")
    among_few, among_many, everybody, waking = list[Latency](), list[Latency](), list[Latency](), list[float]()
    more = len(many.holders) - len(few.holders)
    for number in range(rounds):
        among_few.append((await few.tell(ROLLING, TOLD))[0])
        among_many.append((await many.tell(ROLLING, TOLD))[0])
        everybody.append((await many.tell(EVERYBODY, len(many.holders)))[1])
        await few.tell(EVERYBODY, len(many.holders))
        waking.append((many.assignment - few.assignment) / more * 1e6)
        log(f"round {number}: {waking[-1]:.0f} µs; {among_few[-1]}, {among_many[-1]}, {everybody[-1]}")
    for share in ("p50", "p99"):
        base = [float(getattr(each, share)) for each in among_few]
        report.add(f"{share} from a trigger over {TOLD} to their hearing, few held", base, "ms")
        told = [float(getattr(each, share)) for each in among_many]
        report.add(f"{share} of the same, many held", told, "ms", to=base)
    for share in ("p50", "p99"):
        report.add(
            f"{share} from the first to hear, all told", [float(getattr(each, share)) for each in everybody], "ms"
        )
    report.add("CPU to wake one, answer it, and hold its next query", waking, "µs")
    report.add("from SIGTERM to the last answer", [await many.end()], "s")
    report.notes.append(f"turned away meanwhile: {few.holders.turned_away + many.holders.turned_away}")


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--held", type=int, default=100_000, help="how many at the most (default: the open-file limit)")
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
