"""What the attacks share: the real service on each database, and the edge without its socket on each database."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from ostiary.server.core.log import log
from tests.attacks.edge import Edge
from tests.journeys.conftest import postgres_service, service, sqlite_service
from tests.postgres_server import PostgresServer
from tests.workbench import Workbench

__all__ = ["postgres_service", "service", "sqlite_service"]


@pytest.fixture(scope="session")
def sqlite_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """The edge on its embedded database."""
    edge = Edge(tmp_path_factory.mktemp("edge") / "data")
    yield edge
    edge.close()


@pytest.fixture(scope="session")
def postgres_edge(
    tmp_path_factory: pytest.TempPathFactory, postgres_server_shared: PostgresServer
) -> Iterator[Edge]:
    """The edge on PostgreSQL."""
    database = postgres_server_shared.fresh_database()
    edge = Edge(tmp_path_factory.mktemp("edge") / "data", database)
    yield edge
    edge.close()
    postgres_server_shared.drop_database(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def edge(request: pytest.FixtureRequest) -> Edge:
    """The shared edge on each database in turn."""
    name = {"sqlite": "sqlite_edge", "postgresql": "postgres_edge"}[request.param]
    found: Edge = request.getfixturevalue(name)
    return found


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Workbench]:
    """A workbench on each database: its clock can be moved, its service taken apart."""
    bench = Workbench(database)
    yield bench
    await bench.close()


@pytest.fixture(autouse=True)
def errors_only() -> Iterator[None]:
    """A line for each of ten thousand answers helps nobody; a defect's traceback does."""
    before, log.least = log.least, logging.ERROR
    yield
    log.least = before
