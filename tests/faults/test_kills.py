"""The real service killed at any moment, under load: phone-change.md §7 holds, and nobody was told an untruth.

People change their numbers (`tests/histories/load.py`); the process dies; its database is looked at while nobody
serves; it is started again and goes on. In the end the whole history is judged by what the database says.
"""

import random
import time

import pytest

from tests.counts import KILLS
from tests.histories.judged import judge, looked_at, told
from tests.histories.load import crowd_of, running

A_DAY_EVERY = 4
"""Kills between two moves of the clock by more than a day: limits and budgets begin anew."""


@pytest.mark.timeout(120 + KILLS * 10)
def test_killed_at_any_moment_under_load(database, tmp_path):
    with running(tmp_path / "data", database if database.startswith("postgresql") else None) as service:
        crowd = crowd_of(service)
        chance = random.Random(20_261_122)
        with crowd.at_work():
            for kill in range(KILLS // 2):  # the other half is the other database's
                time.sleep(chance.uniform(0.1, 1.1))
                crowd.up.clear()
                service.kill()
                looked_at(service)
                service.restart()
                if kill % A_DAY_EVERY == A_DAY_EVERY - 1:
                    crowd.next_day()
                crowd.up.set()
            time.sleep(1)
        assert service.stop() == 0
        judge(crowd)
        assert crowd.changes > 0, "nothing got through between the kills, so nothing was shown"
        print(told(crowd))
