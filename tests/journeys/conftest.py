"""Services shared by all journeys of a run: one on each database, started when the first test asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import browser
from tests.conftest import missing
from tests.postgres_server import PostgresServer
from tests.service import Service, start
from tests.shell import Shell


@pytest.fixture(scope="session")
def sqlite_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service on its embedded database."""
    service = start(tmp_path_factory.mktemp("sqlite") / "data")
    yield service
    assert service.stop() == 0


@pytest.fixture(scope="session")
def postgres_service(
    tmp_path_factory: pytest.TempPathFactory, postgres_server_shared: PostgresServer
) -> Iterator[Service]:
    """A service on PostgreSQL."""
    database = postgres_server_shared.fresh_database()
    service = start(tmp_path_factory.mktemp("postgres") / "data", database)
    yield service
    assert service.stop() == 0
    postgres_server_shared.drop_database(database)


@pytest.fixture
def lite(tmp_path: Path, sqlite_url: str) -> Shell:
    """Commands on a new installation with an embedded database."""
    return Shell(tmp_path / "data", sqlite_url).begun()


@pytest.fixture
def shell(tmp_path: Path, database: str) -> Shell:
    """Commands on a new installation, on each database in turn."""
    return Shell(tmp_path / "data", database).begun()


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest) -> Service:
    """The shared service on each database in turn."""
    name = {"sqlite": "sqlite_service", "postgresql": "postgres_service"}[request.param]
    found: Service = request.getfixturevalue(name)
    return found


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[browser.Tab]:
    """A page of a new browser."""
    try:
        with browser.opened(tmp_path / "profile") as page:
            yield page
    except browser.BrowserUnavailableError as error:
        missing("Chromium", error)
