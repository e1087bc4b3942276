"""What `/metrics` tells (Prometheus text format). One registry a process; with several workers, each its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ostiary.server.storage.jobs import Counts

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds."""


class Metrics:
    """Counts of one process."""

    def __init__(self, counts: Counts) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "ostiary_answers",
            "Answers by operation and how they ended ('ok', or the reason of the refusal).",
            ["operation", "key"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "ostiary_answer_seconds",
            "Seconds from the request's head to the answer.",
            ["operation"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        for name in ("statements", "commits", "batches", "biggest_batch", "reruns", "unavailable"):
            gauge = Gauge(f"ostiary_store_{name}", f"The store's {name} since start.", registry=self.registry)
            gauge.set_function(lambda name=name: float(getattr(counts, name)))  # type: ignore[misc] # bound early

    def answered(self, operation: str, key: str, seconds: float) -> None:
        """Count one answer. Both labels come from the operations table and the catalogue: never from a client."""
        self._answers.labels(operation, key).inc()
        self._seconds.labels(operation).observe(seconds)

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self.registry)
