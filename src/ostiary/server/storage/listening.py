"""Who in this process hears of commits, and what is given to them: callbacks by topic, each in its own event loop."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from ostiary.server.storage.jobs import Mailbox, Topics

Callback = Callable[[list[Any]], object]
"""Takes what was given with its topic since it was called last."""


class _Listener:
    """One callback on one topic; rung several times before it ran, it runs once."""

    def __init__(self, mailbox: Mailbox, callback: Callback) -> None:
        self._mailbox = mailbox
        self._callback = callback
        self._given: deque[Any] = deque()
        self._rung = False

    def ring(self, things: Iterable[Any]) -> None:
        self._given.extend(things)
        if not self._rung:
            self._rung = True
            self._mailbox.post([self._call])

    def _call(self) -> None:
        # Down before anything is taken: what is given from now on rings again, so nothing is left lying.
        self._rung = False
        things = []
        while self._given:
            things.append(self._given.popleft())
        self._callback(things)


class Listeners:
    """The listeners of one store. `topic in listeners`: somebody listens to it."""

    def __init__(self) -> None:
        self._by_topic: dict[str, tuple[_Listener, ...]] = {}
        self._changing = threading.Lock()

    def __contains__(self, topic: object) -> bool:
        return topic in self._by_topic

    def add(self, topic: str, mailbox: Mailbox, callback: Callback) -> Callable[[], None]:
        """Have `callback` called in the mailbox's loop; a function undoes it."""
        listener = _Listener(mailbox, callback)
        with self._changing:
            self._by_topic[topic] = (*self._by_topic.get(topic, ()), listener)

        def off() -> None:
            with self._changing:
                left = tuple(one for one in self._by_topic.pop(topic) if one is not listener)
                if left:
                    self._by_topic[topic] = left

        return off

    def tell(self, topics: Topics) -> None:
        """Ring everybody who listens to one of `topics`. What was given with it goes to one of them: the first."""
        for topic, things in topics.items():
            for listener in self._by_topic.get(topic, ()):
                listener.ring(things)
                things = []  # noqa: PLW2901 - each thing has one taker
