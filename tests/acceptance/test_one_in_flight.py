"""Only one deployment may be in flight, however many operators press the button at once."""

import asyncio
from collections import Counter
from pathlib import Path

from support.processes import running

TRIGGERS = 20


async def test_of_twenty_simultaneous_triggers_one_is_accepted(tmp_path: Path) -> None:
    async with running(tmp_path, agents=1) as fleet, fleet.http() as http:
        bodies = [{"code_version": f"1.0.{number}", "labels": {"env": "test"}} for number in range(TRIGGERS)]
        responses = await asyncio.gather(*(http.post("/deploy", json=body) for body in bodies))
        assert Counter(response.status_code for response in responses) == {201: 1, 409: TRIGGERS - 1}
        accepted = next(response.json() for response in responses if response.status_code == 201)
        refused = [response.json() for response in responses if response.status_code == 409]
        assert {problem["deployment_id"] for problem in refused} == {accepted["id"]}
