"""Settings raced: two commands that each set another one at once, and both stand."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from ostiary.server.storage import pools
from ostiary.server.upkeep import policies, site
from ostiary.server.upkeep.site import Site
from tests.counts import RACE_ROUNDS
from tests.shell import Shell

POOLS = ("verifyCodeTtl", "updateTokenTtl")
APPS = ("accessTokenLife", "sessionLife")


@pytest.fixture
def commands(tmp_path, database):
    """An installation as two commands have it open."""
    shell = Shell(tmp_path / "data", database).begun()
    chosen = shell.settings()
    with site.opened(chosen) as one, site.opened(chosen) as other:
        yield one, other


@pytest.mark.parametrize("names", [POOLS, APPS], ids=["of a pool", "of an application"])
def test_two_that_are_set_at_once_both_stand(commands: tuple[Site, Site], names: tuple[str, str]) -> None:
    pool = commands[0].pool(None)
    [app] = commands[0].store.read_now(lambda tx: pools.apps_of(tx, pool.id))
    app_id = app.id if names is APPS else None
    together = Barrier(2)

    def set_one(at: Site, name: str, text: str) -> None:
        together.wait()
        policies.change(at, pool, app_id, name, text)

    with ThreadPoolExecutor(2) as crew:
        for number in range(RACE_ROUNDS):
            value = 300 + number % 300  # both settings' range goes to 600
            list(crew.map(set_one, commands, names, [str(value)] * 2))
            found = {
                each.name: each.value for each in policies.shown(commands[0], commands[0].pool(None), app_id)
            }
            assert [found[name] for name in names] == [value] * 2
