"""The driver, a process of its own: a closed loop of so many people at once, each with a connection of their own.

Reads a plan as JSON on standard input, writes what happened as JSON on standard output. See `driving.drive`.
"""

import asyncio
import json
import resource
import sys
import time
from typing import Any

import uvloop

from bench.http_client import BrokenError, Connection
from bench.journeys import JOURNEYS, Hand, UnexpectedError
from bench.phones import Phones, phones

MOST_ERRORS = 5


class Crowd:
    """People who take one journey after the other, bounded in number and in time. Nobody goes twice."""

    def __init__(self, plan: dict[str, Any], address: tuple[str, int], phone: Phones) -> None:
        self._journey = JOURNEYS[plan["journey"]]
        self._address = address
        self._phones = phone
        self._seconds: float = plan["seconds"]
        self._concurrency: int = plan["concurrency"]
        self._queue = iter(plan["people"])
        self._again = plan["people"] if plan.get("again") else None
        self.ended: list[tuple[float, float]] = []
        """(when, seconds spent in requests) of every completed journey."""
        self.errors: list[str] = []
        self.requests = 0

    async def go(self) -> dict[str, Any]:
        self._start = time.perf_counter()
        await asyncio.gather(*(self._one() for _ in range(self._concurrency)))
        return self._told()

    async def _one(self) -> None:
        connection = Connection(*self._address)
        while time.perf_counter() - self._start < self._seconds and len(self.errors) < MOST_ERRORS:
            person = next(self._queue, None)
            if person is None and self._again:
                self._queue = iter(self._again)
                continue
            if person is None:
                break
            hand = Hand(connection, self._phones)
            try:
                await self._journey(hand, person)
            except (UnexpectedError, BrokenError, TimeoutError, OSError, KeyError) as error:
                self.errors.append(f"{type(error).__name__}: {error}")
            else:
                self.ended.append((time.perf_counter() - self._start, hand.spent))
        self.requests += connection.requests
        connection.close()

    def _told(self) -> dict[str, Any]:
        """The rate is over all of it: a server works as hard on the last journeys as on the first."""
        took = max((when for when, _ in self.ended), default=0.0)
        spent = sorted(spent for _, spent in self.ended)
        return {
            "completed": len(self.ended),
            "seconds": took,
            "rate": len(self.ended) / took if took else 0.0,
            "p50": _at(spent, 0.50) * 1e3,
            "p99": _at(spent, 0.99) * 1e3,
            "requests": self.requests,
            "errors": self.errors,
        }


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


async def drive(plan: dict[str, Any]) -> dict[str, Any]:
    phone = phones(plan["phones"])
    crowds = [Crowd(crowd, (plan["host"], plan["port"]), phone) for crowd in plan["crowds"]]
    before = time.process_time()
    told = await asyncio.gather(*(crowd.go() for crowd in crowds))
    return {
        "crowds": told,
        "cpu": time.process_time() - before,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024,
    }


def main() -> None:
    plan = json.load(sys.stdin)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(runner.run(drive(plan)), sys.stdout)


if __name__ == "__main__":
    main()
