"""A process with an agent that is assigned version 1.0, to be killed in the middle: STATE_DIR COMMAND APPLY_TIMEOUT."""

import asyncio
import sys
from pathlib import Path

from dides.model.state import State
from support.agent_coordinator import AgentCoordinator
from support.running_agent import make_settings, run_agent


async def apply_until_killed(state_dir: Path, command: str, limit: float) -> None:
    """Run the agent until something kills this process."""
    coordinator = AgentCoordinator()
    await coordinator.assign(State("1.0", "c1"))
    async with run_agent(coordinator, make_settings(state_dir, apply=command, apply_timeout=limit)) as agent:
        await agent.end()


if __name__ == "__main__":
    asyncio.run(apply_until_killed(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
