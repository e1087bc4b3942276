"""Greenlets that are used again: each function begins in its own context, and nobody finds what the one before left."""

import asyncio
import gc
import weakref
from contextvars import Context, ContextVar

import pytest
from greenlet import getcurrent, greenlet

from ostiary.server.storage.runners import MOST_IDLE, Runner, Runners
from tests.stores import opened, put

whose: ContextVar[str] = ContextVar("whose", default="nobody's")


class Kept:
    """Something that a function holds."""


def asking(home, *questions):
    """A function that leaves with each question, and returns the answers."""
    return lambda: [home.switch(question) for question in questions]


def context_of(name):
    context = Context()
    context.run(whose.set, name)
    return context


def test_a_function_leaves_and_goes_on_until_it_returns():
    runner = Runner()
    assert runner.done
    assert (runner.begin(asking(getcurrent(), "first", "second"), Context()), runner.done) == ("first", False)
    assert (runner.go_on(1), runner.done) == ("second", False)
    assert (runner.go_on(2), runner.done) == ([1, 2], True)


def test_the_next_function_runs_in_the_same_greenlet_and_in_its_own_context():
    runners = Runners()
    runner = runners.take()
    seen = [runner.begin(lambda: (getcurrent(), whose.get(), whose.set("left behind")), context_of("Ada's"))]
    runners.give_back(runner)
    assert runners.take() is runner
    seen.append(runner.begin(lambda: (getcurrent(), whose.get()), context_of("Bo's")))
    assert [one[1] for one in seen] == ["Ada's", "Bo's"]
    assert seen[0][0] is seen[1][0]
    assert whose.get() == "nobody's"


def test_one_that_raised_can_be_used_again():
    runner = Runner()
    with pytest.raises(ZeroDivisionError):
        runner.begin(lambda: 1 / 0, Context())
    assert runner.done
    assert runner.begin(asking(getcurrent(), "again"), Context()) == "again"
    assert runner.go_on(0) == [0]


def test_what_is_given_up_is_left_where_it_is():
    runner, ended = Runner(), []

    def held_up():
        try:
            getcurrent().parent.switch("waiting")
        finally:
            ended.append("on its way out")

    assert runner.begin(held_up, Context()) == "waiting"
    runner.give_up()
    assert runner.done
    assert ended == ["on its way out"]
    assert runner.begin(asking(getcurrent(), "next"), Context()) == "next"


def test_who_sticks_in_a_function_runs_no_other():
    """A step whose `finally` asks the database again does not end when it is given up."""
    runners = Runners()
    runner = runners.take()

    def sticks():
        try:
            getcurrent().parent.switch("waiting")
        finally:
            getcurrent().parent.switch("once more")

    assert runner.begin(sticks, Context()) == "waiting"
    runner.give_up()
    assert not runner.done
    runners.give_back(runner)
    assert runners.take() is not runner


def test_an_idle_runner_holds_nothing_of_what_it_ran():
    runner = Runner()

    def holds():
        kept = Kept()
        seen.append(weakref.ref(kept))
        return [kept]

    seen: list[weakref.ref[Kept]] = []
    runner.begin(holds, Context())
    gc.collect()
    assert seen[0]() is None


def test_so_many_are_kept_and_the_others_end():
    """A greenlet that waits is out of the garbage collector's sight: one that is dropped must end by itself."""
    before = waiting()
    runners = Runners()
    busy = [runners.take() for _ in range(MOST_IDLE + 3)]
    for runner in busy:
        runner.begin(str, Context())
    assert waiting() - before == MOST_IDLE + 3
    while busy:
        runners.give_back(busy.pop())
    del runner
    assert waiting() - before == MOST_IDLE
    del runners
    assert waiting() == before


async def test_no_greenlet_outlives_its_store(database):
    before = waiting()
    with opened(database) as store:
        await asyncio.gather(*(store.write(put(str(number), "x")) for number in range(3 * MOST_IDLE)))
    del store
    gc.collect()
    assert waiting() == before


def waiting():
    """Greenlets that were begun and did not end."""
    return sum(isinstance(one, greenlet) and bool(one) and one.parent is not None for one in gc.get_objects())
