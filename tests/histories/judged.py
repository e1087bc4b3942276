"""A crowd's history, judged by the database that its service wrote: for every test that breaks something."""

from pathlib import Path

from tests.histories.checker import faults, unheard
from tests.histories.examined import examine
from tests.histories.load import Crowd
from tests.service import Service


def database_url(service: Service) -> str:
    """Where a service keeps its rows."""
    return service.database or f"sqlite:///{service.folder}/ostiary.db"


def looked_at(service: Service) -> None:
    """Nothing in the rows alone is wrong."""
    _, wrong = examine(database_url(service), service.folder / "keys.json")
    assert wrong == []


def judge(crowd: Crowd, url: str | None = None, *, all_heard: bool = False) -> None:
    """Everything, once nobody serves: rows, audit chain, the whole history, and what must not be readable.

    `all_heard`: nothing happened without its answer. `url`: another way to the database.
    """
    service = crowd.service
    first = {person.user_id: person.phone for person in crowd.people}
    keys = service.folder / "keys.json"
    final, wrong = examine(url or database_url(service), keys, first, day=crowd.day)
    assert wrong == []
    assert faults(crowd.history.operations, final) == []
    assert crowd.strange == []
    if all_heard:
        assert unheard(crowd.history.operations, final) == []
    written = service.log() + "".join(
        path.read_bytes().decode("latin-1") for path in Path(service.folder).glob("ostiary.db*")
    )
    assert not [token for token in crowd.secrets if token in written]


def told(crowd: Crowd) -> str:
    """One line about how much was looked at."""
    operations = crowd.history.operations
    silent = sum(operation.outcome == "unknown" for operation in operations)
    return f"{len(operations)} operations, {silent} without an answer, {crowd.changes} changes"
