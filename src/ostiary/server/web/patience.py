"""A deadline that costs nothing where nothing is waited for."""

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """`work`'s value. Raises TimeoutError where it takes longer.

    Like `asyncio.timeout`, but the timer begins when `work` first waits: what has its value at once needs none.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    async with asyncio.timeout(seconds):
        return await _rest(work, waits_for)


@coroutine
def _rest(work: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Go on with a coroutine that already waits: what `await` does, from its first step on."""
    try:
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation, say: the coroutine's to handle
                waits_for = work.throw(error)
            else:
                waits_for = work.send(sent)
    except StopIteration as done:
        value: T = done.value
        return value
    finally:
        work.close()
