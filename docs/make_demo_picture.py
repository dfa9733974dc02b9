"""Makes docs/demo.svg, the picture in the README, from a real run: real processes, a good version, then a bad one.

Run it by hand when the display of `dides deploy` changes: `.venv/bin/python docs/make_demo_picture.py`.
"""

import asyncio
import io
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from dides.cli.commands.deploy import trigger
from dides.cli.demo.command import LABELS, say_command, wait_until_ready
from dides.cli.demo.fleet import DemoFleet
from dides.cli.display.follow import Follower, Sight
from dides.cli.display.live import LiveDisplay
from dides.cli.display.progress import ServerTime
from dides.cli.options.connection import open_client
from dides.client.operator import OperatorClient
from dides.protocol.messages import Configuration, Deployment, DeployRequest
from dides.runtime.clock import SystemClock

PICTURE = Path(__file__).with_name("demo.svg")
INSTANCES, WIDTH = 8, 92
GOOD, BAD = "1.1.0", "2.0.0-bad"
COLOURS = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
)
PAGE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
  <title>dides deploy: a rollout under way, then a bad version that is rolled back</title>
  <style>
    .{unique_id}-matrix {{
      font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
      font-size: {char_height}px;
      line-height: {line_height}px;
    }}
    .{unique_id}-title {{ font-family: ui-sans-serif, Helvetica, "DejaVu Sans", sans-serif; font-size: 18px; }}
    {styles}
  </style>
  <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
  </defs>
  {chrome}
  <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix" xml:space="preserve">
    {matrix}
    </g>
  </g>
</svg>
"""
"""Rich's own page, without the web font that it would fetch from elsewhere."""


class Camera:
    """Takes one picture of a rollout under way: half of it done, the window full."""

    def __init__(self, console: Console, time: ServerTime) -> None:
        self._console = console
        self._time = time
        self._taken = False

    def show(self, sight: Sight) -> None:
        """Print what the live display shows at this moment, once, when the moment has come."""
        progress = sight.deployment.progress
        if self._taken or progress.succeeded < progress.total // 2 or progress.updating < 2:
            return
        self._taken = True
        with LiveDisplay(self._console, self._time) as display:
            display.show(sight)
        self._console.print()

    def show_away(self, seconds: float, why: str) -> None:
        """Say nothing: nobody takes the coordinator away here."""

    def show_back(self) -> None:
        """Say nothing."""


async def main() -> None:
    """Make the picture."""
    console = Console(
        record=True, file=io.StringIO(), width=WIDTH, color_system="truecolor", markup=False, highlight=False
    )
    with tempfile.TemporaryDirectory() as directory:
        fleet = DemoFleet(Path(directory))
        try:
            await perform(fleet, console)
        finally:
            await fleet.stop()
    console.save_svg(str(PICTURE), title="dides", theme=COLOURS, code_format=PAGE, unique_id="dides")
    print(f"Wrote {PICTURE.name}. Look at it.")


async def perform(fleet: DemoFleet, console: Console) -> None:
    """Start the fleet and roll two versions out before the camera."""
    await fleet.start_coordinator()
    for number in range(1, INSTANCES + 1):
        await fleet.start_agent(f"web-{number}")
    async with open_client(fleet.url, fleet.token("operator")) as client:
        await wait_until_ready(fleet, client, INSTANCES)
        await picture_a_rollout(client, console)
        console.print()
        await picture_a_failure(client, console)


async def picture_a_rollout(client: OperatorClient, console: Console) -> None:
    """Roll the good version out and show the moment at which half of it is done."""
    say_command(console, f"dides deploy {GOOD} -l env=demo --batch-size 2")
    deployment = await start(client, GOOD, threshold=1)
    clock = SystemClock()
    camera = Camera(console, ServerTime(clock, deployment.created_at))
    await Follower(client, camera, clock).follow(deployment.id, deployment)


async def picture_a_failure(client: OperatorClient, console: Console) -> None:
    """Roll the bad version out and show how it ended, and how its rollback did."""
    say_command(console, f"dides deploy {BAD} -l env=demo --batch-size 2 --failure-threshold 2")
    deployment = await start(client, BAD, threshold=2)
    ended = await watch(client, console, deployment)
    assert ended.rolled_back_by is not None, "the bad version should have been rolled back"
    await watch(client, console, await client.deployment(ended.rolled_back_by))


async def start(client: OperatorClient, version: str, *, threshold: int) -> Deployment:
    """Trigger a rollout, two instances at a time."""
    configuration = Configuration(batch_size=2, failure_threshold=threshold)
    return await trigger(client, DeployRequest(code_version=version, labels=LABELS, configuration=configuration))


async def watch(client: OperatorClient, console: Console, deployment: Deployment) -> Deployment:
    """Follow a deployment as `dides deploy` does; a console that is no terminal shows how it ended."""
    clock = SystemClock()
    with LiveDisplay(console, ServerTime(clock, deployment.created_at)) as display:
        ended = await Follower(client, display, clock).follow(deployment.id, deployment)
    console.print()
    return ended


if __name__ == "__main__":
    asyncio.run(main())
