"""Fixtures that every folder of tests may ask for: databases, and counts under ``make soak``."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

from tests import counts, postgres_server
from tests.postgres_server import PostgresServer, PostgresUnavailableError

RUN_FOLDER = "OSTIARY_TEST_RUN_FOLDER"  # in the environment, because xdist's workers inherit that

# No deadline: two cores shared with a database say nothing about how fast a rule is.
settings.register_profile("test", deadline=None, print_blob=True)
settings.register_profile(
    "soak",
    settings.get_profile("test"),
    max_examples=counts.EXAMPLES * 10,
    suppress_health_check=[HealthCheck.too_slow],  # many examples are the point
)
settings.load_profile("soak" if counts.SOAK else "test")


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if not is_worker(config):
        postgres_server.clean_up_after_the_dead()
        os.environ[RUN_FOLDER] = str(postgres_server.new_run_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not is_worker(config) and RUN_FOLDER in os.environ:
        postgres_server.clean_up(Path(os.environ.pop(RUN_FOLDER)))


def missing(part: str, why: object) -> NoReturn:
    """Name a part that can't be had: a skip on a developer's machine, a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{part} can't be had: {why}", pytrace=False)
    pytest.skip(f"{part} can't be had: {why}")


@pytest.fixture(scope="session")
def postgres_server_shared() -> PostgresServer:
    """The run's server. It outlives this worker; ``pytest_unconfigure`` stops it."""
    try:
        return postgres_server.shared_server(Path(os.environ[RUN_FOLDER]))
    except PostgresUnavailableError as error:
        missing("PostgreSQL", error)


@pytest.fixture
def own_postgres_server() -> Iterator[PostgresServer]:
    """A started server for this test alone, to stop, crash and start again."""
    try:
        server = postgres_server.own_server(Path(os.environ[RUN_FOLDER]))
    except PostgresUnavailableError as error:
        missing("PostgreSQL", error)
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server_shared: PostgresServer) -> Iterator[str]:
    """A new, empty PostgreSQL database: its URL."""
    url = postgres_server_shared.fresh_database()
    yield url
    postgres_server_shared.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database that does not exist yet: its URL."""
    return f"sqlite:///{tmp_path}/ostiary.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Each database in turn: the URL of an empty one."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url
