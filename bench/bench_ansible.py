"""A rollout over 20 real agents, four at a time, against Ansible with `serial: 4` doing the same work.

The work is an apply of 0.3 s and a check on each instance, all of them on this machine, on all its cores. Ansible is
run to its advantage: no facts gathered, no interpreter searched for, pipelining, as many forks as the window. Of dides
both are shown: from the trigger to the end, by the coordinator's clock, and the whole command `dides deploy`, which is
what an operator waits for, like the whole of `ansible-playbook`.
"""

import argparse
import asyncio
import math
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from dides.client.operator import OperatorClient
from dides.runtime.datadir import OPERATOR_FILE
from load.tally import LoadError
from rig.arguments import log, parser_of, run
from rig.cores import children_on
from rig.peers import own_python
from rig.report import Report
from rig.rollouts import makespan
from support.processes import Processes, until_async

APPLY = 0.3
PLAYBOOK = f"""
- hosts: all
  gather_facts: false
  serial: {{window}}
  tasks:
    - name: apply
      ansible.builtin.command: sleep {APPLY}
    - name: check
      ansible.builtin.command: "true"
"""


async def measure(arguments: argparse.Namespace) -> Report:
    """Do the work with each in turn, round by round."""
    if arguments.quick:
        arguments.agents = 4
    agents, window = arguments.agents, arguments.window
    found: dict[str, list[float]] = {"dides": [], "command": [], "ansible": []}
    with tempfile.TemporaryDirectory() as place, children_on(None):
        directory = Path(place)
        write_playbook(directory, agents, window)
        async with fleet(directory, agents) as processes, processes.client() as client:
            for number in range(arguments.rounds):
                found["ansible"].append(await play(directory, agents, window))
                command, rollout = await deploy(processes, client, f"1.0.{number}", agents, window)
                found["command"].append(command)
                found["dides"].append(rollout)
                log(f"round {number}: {', '.join(f'{name} {values[-1]:.2f} s' for name, values in found.items())}")
    ideal = [math.ceil(agents / window) * APPLY] * arguments.rounds
    report = Report(
        benchmark="ansible",
        parameters={"instances": agents, "window": window, "apply_seconds": APPLY, "rounds": arguments.rounds},
    )
    report.add("the applies alone", ideal, "s")
    report.add("dides, from the trigger to the end, to the ideal", found["dides"], "s", to=ideal)
    report.add("ansible-playbook, to the ideal", found["ansible"], "s", to=ideal)
    report.add("dides, from the trigger to the end, to Ansible", found["dides"], "s", to=found["ansible"], most=1)
    report.add("the command dides deploy, to Ansible", found["command"], "s", to=found["ansible"], most=1)
    return report


@asynccontextmanager
async def fleet(directory: Path, agents: int) -> AsyncIterator[Processes]:
    """Run a coordinator and agents, all of them HEALTHY."""
    processes = Processes(directory)
    try:
        await processes.start_coordinator()
        for number in range(agents):
            await processes.start_agent(f"web-{number:02}", apply=f"sleep {APPLY}", check="true", interval=10.0)
        async with processes.client() as client:
            await until_async(lambda: client.count(status=1), lambda count: count == agents)
        yield processes
    finally:
        await processes.stop()


async def deploy(
    processes: Processes, client: OperatorClient, version: str, agents: int, window: int
) -> tuple[float, float]:
    """Run `dides deploy` and return the seconds of the whole command, and of the rollout."""
    options = ("-l", "env=test", "--batch-size", str(window), "--yes")
    environment = {**processes.environment(), "DIDES_TOKEN": processes.data.token(OPERATOR_FILE)}
    took = await timed([sys.executable, "-m", "dides", "deploy", version, *options], environment)
    newest = (await client.deployments(limit=1)).deployments[0]
    if (newest.code_version, newest.progress.succeeded) != (version, agents):
        raise LoadError(f"dides deploy has not rolled {version} out: {newest}")
    return took, makespan(newest)


async def play(directory: Path, agents: int, window: int) -> float:
    """Run ansible-playbook and return the seconds that it takes."""
    program = Path(own_python()).with_name("ansible-playbook")
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": str(window),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(directory / "ansible"),
    }
    command = [str(program), "-i", str(directory / "hosts"), str(directory / "play.yml")]
    return await timed(command, environment, expected=f"web-{agents - 1:02}")


async def timed(command: list[str], environment: Mapping[str, str], expected: str = "") -> float:
    """Run a command and return the seconds that it takes; LoadError when it fails, or does not print what it should."""
    begun = perf_counter()
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment)
    out, err = await process.communicate()
    took = perf_counter() - begun
    if process.returncode or expected not in out.decode():
        raise LoadError(f"{command} ended with {process.returncode}: {out.decode()} {err.decode()}")
    return took


def write_playbook(directory: Path, agents: int, window: int) -> None:
    """Write what Ansible reads."""
    host = "web-{:02} ansible_connection=local ansible_python_interpreter={}"
    hosts = [host.format(number, own_python()) for number in range(agents)]
    (directory / "hosts").write_text("\n".join(hosts) + "\n")
    (directory / "play.yml").write_text(PLAYBOOK.format(window=window))
    (directory / "ansible.cfg").write_text("[defaults]\n")


def main() -> None:
    """Read the arguments and measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--window", type=int, default=4)
    run(measure, parser.parse_args())


if __name__ == "__main__":
    main()
