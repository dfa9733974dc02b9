"""What a coordinator weighs with 1,000 registered instances, against one with none; and its heartbeats per second.

A real coordinator process, driven over HTTP on loopback by a client in this process, each on its own core.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import httpx2

from dides.datadir import REGISTRATION_FILE
from support.processes import Processes, running

INSTANCES, HEARTBEATS, CONCURRENCY = 1_000, 10_000, 64


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with running(Path(directory)) as fleet, fleet.http() as http:
            empty = resident_mib(fleet)
            credentials = await register_all(fleet, http)
            registered = resident_mib(fleet)
            rate = await beat(http, credentials)
            beaten = resident_mib(fleet)
    print(f"memory: {empty:.0f} MiB empty, {registered:.0f} MiB with {INSTANCES:,} instances registered,")
    print(f"        {beaten:.0f} MiB after {HEARTBEATS:,} heartbeats; ratio to empty {beaten / empty:.2f}")
    print(f"heartbeats that change something, each durable: {rate:,.0f} a second, {CONCURRENCY} at a time")


async def register_all(fleet: Processes, http: httpx2.AsyncClient) -> dict[str, str]:
    """Register the instances and return their credentials by name."""
    token = fleet.data.token(REGISTRATION_FILE)
    names = [f"web-{number:04}" for number in range(INSTANCES)]
    credentials = {}
    for name in names:
        instance = {"name": name, "ip": "10.0.0.1", "labels": {"env": "test"}}
        answer = await http.post("/inventory/register", json={"instance": instance, "token": token})
        credentials[name] = answer.raise_for_status().json()["credential"]
    return credentials


async def beat(http: httpx2.AsyncClient, credentials: dict[str, str]) -> float:
    """Send heartbeats that each change a version, and return how many a second were answered."""
    senders = iter([*credentials.items()] * (HEARTBEATS // INSTANCES))

    async def send() -> None:
        for number, (name, credential) in enumerate(senders):
            headers = {"Authorization": f"Bearer {credential}"}
            report = {"code_version": f"1.0.{number}", "status": 1}
            answer = await http.patch(f"/inventory/instances/{name}", json=report, headers=headers)
            answer.raise_for_status()

    begun = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(CONCURRENCY)))
    return HEARTBEATS / (time.perf_counter() - begun)


def resident_mib(fleet: Processes) -> float:
    """Return the resident memory of the coordinator (Linux)."""
    status = Path(f"/proc/{fleet.process('coordinator').pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    asyncio.run(main())
