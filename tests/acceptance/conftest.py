"""One browser for all tests of a process, started when the first one needs it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from support.browser import launched


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium. Tests with it run in its loop: `pytest.mark.asyncio(loop_scope="session")`."""
    async with launched() as running:
        yield running
