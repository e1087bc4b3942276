"""One timer for many ends: what is late is cut, what is not is left alone, and another's wish to end is obeyed."""

import asyncio

import pytest

from ostiary.server.delivery.deadline import Deadline


async def test_what_ends_in_time_gives_what_it_gives():
    deadline = Deadline()
    assert await deadline.within(1, asyncio.sleep(0, "said")) == "said"


async def test_each_is_cut_at_its_own_time_and_those_in_time_are_not():
    deadline, loop = Deadline(), asyncio.get_running_loop()

    async def one(begin: float, takes: float) -> float | None:
        await asyncio.sleep(begin)
        begun = loop.time()
        try:
            await deadline.within(0.2, asyncio.sleep(takes))
        except TimeoutError:
            return loop.time() - begun
        return None

    took = await asyncio.gather(one(0, 9), one(0, 0.01), one(0.1, 9), one(0.1, 0.1), one(0.3, 9))
    assert [seconds is not None for seconds in took] == [True, False, True, False, True]
    assert all(0.19 < seconds < 0.3 for seconds in took if seconds is not None)


async def test_whoever_else_wants_it_to_end_is_obeyed():
    deadline = Deadline()
    task = asyncio.create_task(deadline.within(5, asyncio.sleep(9)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_both_at_once_is_an_end_and_no_lateness():
    deadline = Deadline()
    task = asyncio.create_task(deadline.within(0.02, asyncio.sleep(9)))
    asyncio.get_running_loop().call_later(0.02, task.cancel)
    with pytest.raises((asyncio.CancelledError, TimeoutError)):
        await task


async def test_its_own_timeout_is_told_as_it_is():
    deadline = Deadline()

    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await deadline.within(5, fails())
