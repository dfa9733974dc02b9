"""The command `dides rehearse`: plays a rollout many times beforehand, and shows how it may go."""

import os
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dides.cli.commands.deploy import CodeVersion, ConfigurationVersion, WholeFleet, make_request, read_target
from dides.cli.display.exits import ExitCode
from dides.cli.options.common import LabelOptions, Output, SelectorOption, UsageError, join_selectors
from dides.cli.options.connection import DEFAULT_SERVER, Server, Token, session
from dides.cli.options.output import Format, is_live, make_console, print_error, print_json, print_remark
from dides.cli.options.policy import takes_configuration
from dides.cli.rehearse.answer import Answer, Source, make_answer
from dides.cli.rehearse.input import Given, check_given, read_rate
from dides.cli.rehearse.options import (
    Duration,
    DurationSpread,
    FailureRate,
    Instances,
    LostRate,
    Plot,
    Processes,
    Runs,
    Seed,
    SpreadValues,
    TimeToLive,
)
from dides.cli.rehearse.plot import check_plot, draw_plot
from dides.cli.rehearse.record import Record, made_up_fleet, read_fleet, read_record
from dides.cli.rehearse.report import print_report
from dides.client.operator import OperatorClient
from dides.model.policy import Policy
from dides.protocol.messages import Configuration, DeployRequest
from dides.rehearsal.durations import Durations, Normal
from dides.rehearsal.fleet import Group
from dides.rehearsal.pool import rehearse as play
from dides.rehearsal.rehearse import Rehearsal
from dides.rehearsal.run import Chances, Outcome
from dides.runtime.destination import DestinationError


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a rehearsal begins with, as given or as asked of the coordinator."""

    fleet: tuple[Group, ...]
    record: Record
    """Empty when nothing of it was needed."""


@takes_configuration
def rehearse(
    code: CodeVersion = None,
    config: ConfigurationVersion = None,
    label: LabelOptions = None,
    selector: SelectorOption = None,
    whole_fleet: WholeFleet = False,
    *,
    instances: Instances = None,
    configuration: Configuration,
    spread_values: SpreadValues = None,
    duration: Duration = None,
    duration_spread: DurationSpread = 0,
    failure_rate: FailureRate = None,
    lost_rate: LostRate = "0%",
    time_to_live: TimeToLive = 30,
    runs: Runs = 100,
    seed: Seed = 1,
    processes: Processes = None,
    plot: Plot = None,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Play a rollout many times beforehand, and show how long it may take, and what may go wrong.

    The engine is the real one; the instances and the clock are simulated, and nothing is changed. What is not given is
    asked of the coordinator: the instances, how long updates have taken, and how many failed. With --instances and
    --duration none is needed.

    Exit codes: 0 done, 2 wrong usage, or no past deployment shows a duration, 4 refused or unreachable, 6 no file or
    memory, 130 Ctrl-C.

    Example:
      dides rehearse 1.2.0 -l env=production --batch-size 5% --failure-threshold 1%
      dides rehearse --instances 1000 --batch-size 5% --duration 20 --duration-spread 5 --failure-rate 2%
    """
    given = Given(
        instances=instances,
        spread_values=spread_values,
        duration=duration,
        duration_spread=duration_spread,
        failure_rate=None if failure_rate is None else read_rate(failure_rate, "--failure-rate"),
        lost_rate=read_rate(lost_rate, "--lost-rate"),
        time_to_live=time_to_live,
    )
    request = read_request(code, config, label, selector, whole_fleet, given, configuration)
    check_plot(plot)
    known = find_out(given, request, server, token)
    answer, outcomes = rehearse_all(given, known, configuration, seed, runs, processes)
    show(answer, outcomes, output, plot)


def rehearse_all(
    given: Given, known: Known, configuration: Configuration, seed: int, runs: int, processes: int | None
) -> tuple[Answer, list[Outcome]]:
    """Rehearse so many runs; return what they come to, and each of them."""
    rehearsal = make_rehearsal(given, known, configuration, seed)
    outcomes = play_with_progress(rehearsal, runs, processes or processors())
    return make_answer(rehearsal, configuration, outcomes, source_of(given, known)), outcomes


def source_of(given: Given, known: Known) -> Source:
    """Return where the share of failures comes from: past deployments, or the options."""
    return "recorded" if given.failure_rate is None and known.record.assigned else "given"


def read_request(
    code: str | None,
    config: str | None,
    label: list[str] | None,
    selector: str | None,
    whole_fleet: bool,
    given: Given,
    configuration: Configuration,
) -> DeployRequest | None:
    """Return the deployment that is to be rehearsed; None with a made-up fleet. Raises UsageError."""
    names_a_deployment = bool(code or config or label or selector or whole_fleet)
    check_given(given, configuration, names_a_deployment=names_a_deployment)
    if given.instances is not None:
        return None
    if not names_a_deployment:
        raise UsageError(
            "Say what to rehearse: a version and which instances, as for dides deploy, or --instances N for a "
            "made-up fleet."
        )
    return make_request(code, config, read_target(label, selector, whole_fleet), configuration)


def find_out(given: Given, request: DeployRequest | None, server: str, token: str | None) -> Known:
    """Return the fleet and the record, asked of the coordinator as far as they are needed. Raises ClientError."""
    if request is None and given.duration is not None:
        return Known(fleet=made_up_fleet(given.instances or 1, given.spread_values), record=Record())
    return session(server, token, lambda client: ask(client, given, request))


async def ask(client: OperatorClient, given: Given, request: DeployRequest | None) -> Known:
    """Return the fleet and the record as the coordinator knows them. Raises ClientError."""
    needs_record = given.duration is None or given.failure_rate is None
    record = await read_record(client) if needs_record else Record()
    if request is None:
        return Known(fleet=made_up_fleet(given.instances or 1, given.spread_values), record=record)
    labels = request.labels if isinstance(request.labels, dict) else {}
    fleet = await read_fleet(client, request, join_selectors(labels, request.selector or None))
    return Known(fleet=fleet, record=record)


def make_rehearsal(given: Given, known: Known, configuration: Configuration, seed: int) -> Rehearsal:
    """Return what is to be rehearsed; leaves the program when no duration is known."""
    durations: Durations | None = known.record.durations
    if given.duration is not None:
        durations = Normal(mean_ms=given.duration * 1000, spread_ms=given.duration_spread * 1000)
    if durations is None:
        print_error(
            "No past deployment has recorded how long an update takes.",
            "Say how long: --duration 20 --duration-spread 5, in seconds.",
        )
        raise typer.Exit(ExitCode.USAGE)
    failure_rate = known.record.failure_rate if given.failure_rate is None else given.failure_rate
    return Rehearsal(
        fleet=known.fleet,
        policy=Policy(**msgspec.structs.asdict(configuration)),
        chances=Chances(
            durations=durations,
            failure_rate=failure_rate,
            lost_rate=given.lost_rate,
            time_to_live_ms=round(given.time_to_live * 1000),
        ),
        seed=seed,
    )


def play_with_progress(rehearsal: Rehearsal, runs: int, processes: int) -> list[Outcome]:
    """Return the outcomes of the runs, with a progress bar on standard error where that is a terminal."""
    console = make_console(stderr=True)
    columns = (TextColumn("Rehearsing"), BarColumn(), MofNCompleteColumn(), TextColumn("runs"), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not is_live(console)) as progress:
            task = progress.add_task("", total=runs)
            return play(rehearsal, runs, processes, lambda number: progress.advance(task, number))
    except KeyboardInterrupt as error:
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    except BrokenProcessPool as error:
        print_error(
            "A process of the rehearsal was killed; a likely cause is that the memory did not suffice.",
            "Rehearse with fewer instances, or with --processes 1.",
        )
        raise typer.Exit(ExitCode.UNABLE) from error


def show(answer: Answer, outcomes: list[Outcome], output: Format, plot: Path | None) -> None:
    """Show the answer as wanted, and draw it; leaves the program when the file cannot be written."""
    if output is Format.JSON:
        print_json(answer)
    else:
        print_report(answer, outcomes, make_console())
    if plot is None:
        return
    try:
        draw_plot(answer, outcomes, plot)
    except (DestinationError, OSError) as error:
        print_error(f"The plot could not be written: {error}")
        raise typer.Exit(ExitCode.UNABLE) from error
    print_remark(f"Drawn into {plot}.")


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
