"""docs/reference/metrics.md, from what `/metrics` would tell."""

from prometheus_client import Metric

from ostiary.server.storage.jobs import Counts
from ostiary.server.web.exposition import LABELS, families
from ostiary.server.web.metrics import Metrics

_HEAD = """# Metrics

`GET /metrics` answers in Prometheus' text format. Which metrics to watch, and why:
[operating](../operating.md#seeing). Counters start with the process; gauges of the outbox and the audit trail are read
from the database at most once a second, and are the same whichever process answers.

| metric | kind | labels | meaning |
|---|---|---|---|
"""


def page() -> str:
    """One row a metric."""
    metrics = Metrics(Counts(), lambda: 0)
    rows = sorted((family.name, _row(family)) for family in families(metrics))
    return _HEAD + "".join(row for _, row in rows)


def _row(family: Metric) -> str:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return (
        f"| `{name}` | {family.type} | {', '.join(LABELS.get(family.name, ()))} | {family.documentation} |\n"
    )
