"""A workbench on each database."""

from collections.abc import AsyncIterator

import pytest

from tests.workbench import Workbench


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Workbench]:
    bench = Workbench(database)
    yield bench
    await bench.close()
