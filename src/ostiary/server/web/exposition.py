"""What `/metrics` says, from what was counted. Imported when somebody asks: most installations start without that.

1. Labels are words of ours: operations, keys of the catalogue, channels, names of limits. Never what a client sent,
   so nobody can make series.
2. Several serving processes behind one port answer a scrape in turn, each for itself: then every sample carries
   `process`, so that the processes' counters are not taken for one that jumps.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import cast

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from ostiary.server.core.millis import SECOND
from ostiary.server.storage import tallies
from ostiary.server.storage.db import Counts
from ostiary.server.storage.tallies import Tally
from ostiary.server.web.metrics import Metrics, Times

Named = tuple[str, str, tuple[str, ...]]
"""A name, what it means, its labels."""

ANSWERS: Named = (
    "ostiary_answers",
    "Answers by operation and outcome ('ok', or the key of the refusal).",
    ("operation", "key"),
)
ANSWER_SECONDS = ("ostiary_answer_seconds", "Seconds from the request's head to the answer.", ("operation",))
ATTEMPTS = (
    "ostiary_messages_attempted",
    "Attempts to send, by resulting state of the message: sent, queued (again), expired, no_route, dead.",
    ("medium", "purpose", "state"),
)
ATTEMPT_SECONDS = (
    "ostiary_message_attempt_seconds",
    "Duration of one attempt to send in seconds, rendering included.",
    ("medium",),
)
STORE = {
    "statements": "SQL statements of steps, reads included.",
    "commits": "Write transactions committed.",
    "commit_seconds": "Seconds spent in COMMIT; divided by commits: the duration of one commit.",
    "steps": "Writing steps run in batches; divided by batches: the mean size of a batch.",
    "batches": "Transactions attempted for one writing step, or several that share a commit.",
    "reruns": "Steps run again after a conflict or a lost batch.",
    "unavailable": "Steps answered with 503: the database could not do them in time.",
    "slow": "Steps that took longer than the setting slow_step_ms.",
}
"""Counters of `storage.jobs.Counts`."""
TALLIES = {
    Tally.CODE_ASKED: ("ostiary_codes_asked", "channel", "Codes queued for sending, new or repeated."),
    Tally.CODE_WITHHELD: ("ostiary_codes_withheld", "channel", "Codes deliberately not sent, by rule."),
    Tally.CODE_USED: ("ostiary_codes_used", "channel", "Right codes that were used."),
    Tally.CODE_WRONG: ("ostiary_codes_wrong", "channel", "Wrong guesses that were counted."),
    Tally.LIMIT_HIT: ("ostiary_limits_hit", "limit", "Refusals by a limit."),
}

LABELS = {name: labels for name, _, labels in (ANSWERS, ANSWER_SECONDS, ATTEMPTS, ATTEMPT_SECONDS)} | {
    name: (label,) for name, label, _ in TALLIES.values()
}
"""Labels by the name of the metric; those that are not here have none."""


def text(metrics: Metrics) -> bytes:
    """The exposition."""
    return generate_latest(cast("CollectorRegistry", _Collected(metrics)))  # all of it that is asked for


def families(metrics: Metrics) -> Iterator[Metric]:
    """What there is to tell."""
    yield _counted(ANSWERS, metrics.answers)
    yield _timed(ANSWER_SECONDS, metrics.answer_seconds)
    yield _counted(ATTEMPTS, metrics.attempts)
    yield _timed(ATTEMPT_SECONDS, metrics.attempt_seconds)
    yield GaugeMetricFamily(
        "ostiary_requests_under_way", "Requests not yet answered.", metrics.requests_under_way()
    )
    yield GaugeMetricFamily(
        "ostiary_messages_under_way", "Attempts to send that have not ended.", metrics.messages_under_way()
    )
    yield from _waiting(metrics)
    yield from _stored(metrics.store, metrics.queue())


class _Collected:
    """The families; where there are several processes, each sample with a label that names ours."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """See CollectorRegistry."""
        process = self._metrics.process
        for family in families(self._metrics):
            if process:
                family.samples = [
                    sample._replace(labels={**sample.labels, "process": process}) for sample in family.samples
                ]
            yield family


def _counted(named: Named, numbers: Mapping[tuple[str, ...], int]) -> Metric:
    name, meaning, labels = named
    family = CounterMetricFamily(name, meaning, labels=labels)
    for values, number in numbers.items():
        family.add_metric(values, number)
    return family


def _timed(named: Named, times: Times) -> Metric:
    name, meaning, labels = named
    family = HistogramMetricFamily(name, meaning, labels=labels)
    bounds = [*map(str, times.bounds), "+Inf"]
    for value, numbers in times.numbers.items():
        up_to = list(zip(bounds, accumulate(numbers), strict=True))
        family.add_metric([value], up_to, times.seconds[value])
    return family


def _waiting(metrics: Metrics) -> Iterator[Metric]:
    """What waits in the database, as it was found last."""
    found, now = metrics.found, metrics.found_at
    answers = GaugeMetricFamily(
        "ostiary_database_answers", "1: the database answered this scrape; 0: it did not."
    )
    messages = GaugeMetricFamily("ostiary_outbox_waiting", "Messages queued or being sent, of all processes.")
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
        lag.add_metric([], _seconds_since(found.oldest_due_at, now))
        unsealed.add_metric([], found.unsealed)
        behind.add_metric([], _seconds_since(found.oldest_unsealed_at, now))
    yield from (answers, messages, lag, unsealed, behind)


def _stored(counts: Counts, queue: int) -> Iterator[Metric]:
    """The store's own counts."""
    for name, help_text in STORE.items():
        yield CounterMetricFamily(f"ostiary_store_{name}", help_text, float(getattr(counts, name)))
    yield GaugeMetricFamily("ostiary_store_biggest_batch", "Most steps in one commit.", counts.biggest_batch)
    yield GaugeMetricFamily("ostiary_store_queue", "Steps waiting for their turn.", queue)
    told = {
        what: CounterMetricFamily(name, help_text, labels=[label])
        for what, (name, label, help_text) in TALLIES.items()
    }
    for what, label, number in tallies.read(dict(counts.tallies)):
        told[what].add_metric([label], number)
    yield from told.values()


def _seconds_since(moment: int | None, now: int) -> float:
    return max(0, now - moment) / SECOND if moment is not None else 0.0
