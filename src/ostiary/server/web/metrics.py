"""What `/metrics` tells (Prometheus text format): one registry a process.

1. Labels are words of ours: operations, keys of the catalogue, channels, names of limits. Never what a client sent,
   so nobody can make series.
2. What the store counted is read when somebody asks; what waits in the database is asked of it then, at most once
   a second.
3. Several serving processes behind one port answer a scrape in turn, each for itself: then every sample carries
   `process`, so that the processes' counters are not taken for one that jumps.
"""

import os
import time
from collections.abc import Callable, Iterator
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ostiary.server.core.millis import SECOND
from ostiary.server.storage import tallies
from ostiary.server.storage.backlog import Backlog
from ostiary.server.storage.db import Counts
from ostiary.server.storage.outbox import Outcome, Stored
from ostiary.server.storage.tallies import Tally

disable_created_metrics()  # type: ignore[no-untyped-call] # when a series began: twice the series, nobody asks

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds."""
_SENDING_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

ANSWERS = (
    "ostiary_answers",
    "Answers by operation and how they ended ('ok', or the key of the refusal).",
    ("operation", "key"),
)
ANSWER_SECONDS = ("ostiary_answer_seconds", "Seconds from the request's head to the answer.", ("operation",))
ATTEMPTS = (
    "ostiary_messages_attempted",
    "Attempts to send, by what became of the message: sent, queued (again), expired, no_route, dead.",
    ("medium", "purpose", "state"),
)
ATTEMPT_SECONDS = (
    "ostiary_message_attempt_seconds",
    "Seconds one attempt to send took, rendering included.",
    ("medium",),
)
STORE = {
    "statements": "SQL statements of steps, reads included.",
    "commits": "Write transactions committed.",
    "commit_seconds": "Seconds spent in COMMIT: divided by commits, what a commit takes.",
    "steps": "Writing steps run in batches: divided by batches, the mean size of a batch.",
    "batches": "Group commits tried (PostgreSQL: one a step).",
    "reruns": "Steps run again after a conflict or a lost batch.",
    "unavailable": "Steps answered with 503: the database could not do them in time.",
    "slow": "Steps that took longer than the setting slow_step_ms.",
}
"""Counters of `storage.jobs.Counts`."""
TALLIES = {
    Tally.CODE_ASKED: ("ostiary_codes_asked", "channel", "Codes queued for sending, anew or once more."),
    Tally.CODE_WITHHELD: ("ostiary_codes_withheld", "channel", "Codes that nobody is sent, by rule."),
    Tally.CODE_USED: ("ostiary_codes_used", "channel", "Right codes that did what they were for."),
    Tally.CODE_WRONG: ("ostiary_codes_wrong", "channel", "Wrong guesses that were paid for."),
    Tally.LIMIT_HIT: ("ostiary_limits_hit", "limit", "Refusals by a limit."),
}

LABELS = {name: labels for name, _, labels in (ANSWERS, ANSWER_SECONDS, ATTEMPTS, ATTEMPT_SECONDS)} | {
    name: (label,) for name, label, _ in TALLIES.values()
}
"""Labels by the name of the metric; those that are not here have none."""


class Metrics:
    """Counts of one process. Also the `Watch` of its outbox worker."""

    def __init__(self, counts: Counts, queue: Callable[[], int], *, process: str = "") -> None:
        """`counts` and `queue` are the store's. `process`: what tells this process from others that answer at the same port; '' where there are none."""
        registry = CollectorRegistry()
        self._registry = registry
        self._shown: Collector = _Labelled(registry, process) if process else registry
        # Finding a child by its labels takes longer than counting with it; there are some hundred of them at most.
        self._answered = cache(Counter(*ANSWERS, registry=registry).labels)
        self._took = cache(Histogram(*ANSWER_SECONDS, buckets=_BUCKETS, registry=registry).labels)
        self._attempted = cache(Counter(*ATTEMPTS, registry=registry).labels)
        self._sending = cache(Histogram(*ATTEMPT_SECONDS, buckets=_SENDING_BUCKETS, registry=registry).labels)
        self._under_way = Gauge("ostiary_requests_under_way", "Requests not yet answered.", registry=registry)
        self._attempting = Gauge(
            "ostiary_messages_under_way", "Attempts to send that have not ended.", registry=registry
        )
        self._backlog = _Waiting()
        registry.register(self._backlog)
        registry.register(_Stored(counts, queue))

    def watch_requests(self, under_way: Callable[[], float]) -> None:
        """Who knows how many requests are under way."""
        self._under_way.set_function(under_way)

    def watch_sending(self, under_way: Callable[[], float]) -> None:
        """Who knows how many attempts are under way."""
        self._attempting.set_function(under_way)

    def answered(self, operation: str, key: str, seconds: float) -> None:
        """Count one answer. Both labels come from the operations table and the catalogue: never from a client."""
        self._answered(operation, key).inc()
        self._took(operation).observe(seconds)

    def attempted(self, message: Stored, outcome: Outcome, seconds: float) -> None:
        """Count one attempt to send."""
        self._attempted(message.medium, message.purpose, outcome.state).inc()
        self._sending(message.medium).observe(seconds)

    @property
    def wants_backlog(self) -> bool:
        """Whether what is known of the backlog is older than a second."""
        return time.monotonic() - self._backlog.known_at > 1.0

    def backlog(self, found: Backlog | None, now: int) -> None:
        """What waits in the database at `now`; None: it did not answer, and no number is shown."""
        self._backlog.know(found, now)

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self._shown)

    def families(self) -> list[Metric]:
        """What there is to tell, for the reference."""
        return list(self._registry.collect())


class _Stored(Collector):
    """The store's own counts."""

    def __init__(self, counts: Counts, queue: Callable[[], int]) -> None:
        self._counts = counts
        self._queue = queue

    def collect(self) -> Iterator[Metric]:
        counts = self._counts
        for name, help_text in STORE.items():
            yield CounterMetricFamily(f"ostiary_store_{name}", help_text, float(getattr(counts, name)))
        yield GaugeMetricFamily(
            "ostiary_store_biggest_batch", "Most steps in one commit.", counts.biggest_batch
        )
        yield GaugeMetricFamily("ostiary_store_queue", "Steps that wait for their turn.", self._queue())
        families = {
            what: CounterMetricFamily(name, help_text, labels=[label])
            for what, (name, label, help_text) in TALLIES.items()
        }
        for what, label, number in tallies.read(dict(counts.tallies)):
            families[what].add_metric([label], number)
        yield from families.values()


class _Waiting(Collector):
    """What waits in the database, as it was found last."""

    def __init__(self) -> None:
        self._found: Backlog | None = None
        self._now = 0
        self.known_at = float("-inf")

    def know(self, found: Backlog | None, now: int) -> None:
        """Remember it; an answer that did not come is asked for again at once."""
        self._found, self._now = found, now
        self.known_at = time.monotonic() if found is not None else float("-inf")

    def collect(self) -> Iterator[Metric]:
        found = self._found
        answers = GaugeMetricFamily(
            "ostiary_database_answers", "1: the database answered this scrape; 0: it did not."
        )
        messages = GaugeMetricFamily(
            "ostiary_outbox_waiting", "Messages queued or being sent, of all processes."
        )
        lag = GaugeMetricFamily(
            "ostiary_outbox_lag_seconds", "How long the message that waits longest has been due."
        )
        unsealed = GaugeMetricFamily("ostiary_audit_unsealed", "Audit rows that are not chained yet.")
        behind = GaugeMetricFamily(
            "ostiary_audit_lag_seconds", "Age of the oldest audit row that is not chained yet."
        )
        answers.add_metric([], float(found is not None))
        if found is not None:
            messages.add_metric([], found.messages)
            lag.add_metric([], self._since(found.oldest_due_at))
            unsealed.add_metric([], found.unsealed)
            behind.add_metric([], self._since(found.oldest_unsealed_at))
        yield from (answers, messages, lag, unsealed, behind)

    def _since(self, moment: int | None) -> float:
        return max(0, self._now - moment) / SECOND if moment is not None else 0.0


class _Labelled(Collector):
    """The same samples, each with a label that names the process."""

    def __init__(self, registry: CollectorRegistry, process: str) -> None:
        self._registry = registry
        self._process = process

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [
                sample._replace(labels={**sample.labels, "process": self._process})
                for sample in family.samples
            ]
            yield family


def process_label(workers: int) -> str:
    """What names this process where there are several, '' where it is the only one."""
    return str(os.getpid()) if workers > 1 else ""
