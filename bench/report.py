"""The results as Markdown. Medians, with the least and the most of the rounds in brackets."""

from bench.growth import AT_ONCE as GROWTH_AT_ONCE
from bench.results import Results, median, spread
from bench.rounds import AT_ONCE, Cell

_MIB = 2**20
_PEERS = ("better-auth", "allauth")


def markdown(results: Results) -> str:
    parts = [_head(results)]
    if results.rounds.cells:
        parts += [_changes(results), _costs(results), _ratios(results), _starts(results)]
    parts += [part(results) for part, there in _MORE if there(results)]
    return "\n\n".join(parts) + "\n"


def _table(titles: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[place]) for row in [titles, *rows]) for place in range(len(titles))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [titles, ["-" * width for width in widths], *rows]
    ]
    return "\n".join(lines)


def _head(results: Results) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in results.machine.items() if value)
    lines = [f"Mode {results.mode}, {results.seconds:.0f} s. {facts}."]
    if results.rounds.yardsticks:
        lines.append(
            f"The machine's own speed in the run (CPU ms of a fixed piece of work): {spread(results.rounds.yardsticks)}."
        )
    lines += [f"Left out: {line}" for line in results.missing]
    return "\n".join(lines)


def _cells(results: Results, product: str, at_once: int) -> list[Cell]:
    return [cell for cell in results.rounds.cells[product] if cell.at_once == at_once]


def _changes(results: Results) -> str:
    rows = []
    for product in results.rounds.cells:
        for at_once in AT_ONCE:
            cells = _cells(results, product, at_once)
            rows.append(
                [
                    *(product, str(at_once), spread([cell.rate for cell in cells])),
                    spread([cell.p50 for cell in cells], 1),
                    spread([cell.p99 for cell in cells], 1),
                ]
            )
    return "## Complete phone changes\n\n" + _table(["", "at once", "changes/s", "p50 ms", "p99 ms"], rows)


def _costs(results: Results) -> str:
    rows = []
    for product in results.rounds.cells:
        for at_once in AT_ONCE:
            cells = _cells(results, product, at_once)
            rows.append(
                [
                    *(product, str(at_once), spread([cell.server_ms for cell in cells], 2)),
                    spread([cell.database_ms for cell in cells], 2)
                    if product.find("postgresql") > 0
                    else "in it",
                    spread([cell.written / 1_024 for cell in cells]),
                    spread([cell.driver_us for cell in cells]),
                ]
            )
    titles = [
        "",
        "at once",
        "server CPU ms/change",
        "PostgreSQL CPU ms/change",
        "KiB written/change",
        "driver CPU µs/request",
    ]
    return "## What a change costs\n\n" + _table(titles, rows)


def _ratios(results: Results) -> str:
    """Ours over the peer's, round by round: neighbours in time met the same machine."""
    rows = []
    for product in results.rounds.cells:
        dialect = product.partition(" ")[2]
        for peer in _PEERS:
            rival = f"{peer} {dialect}"
            if not product.startswith("ostiary") or rival not in results.rounds.cells:
                continue
            row = [product, peer]
            for at_once in AT_ONCE:
                pairs = zip(_cells(results, product, at_once), _cells(results, rival, at_once), strict=True)
                row.append(spread([ours.rate / theirs.rate for ours, theirs in pairs if theirs.rate], 1))
            pairs = zip(_cells(results, product, 16), _cells(results, rival, 16), strict=True)
            row.append(spread([theirs.server_ms / ours.server_ms for ours, theirs in pairs], 1))
            rows.append(row)
    if not rows:
        return "(no peer to compare with)"
    titles = [
        "",
        "against",
        *(f"times as many changes/s at {at_once}" for at_once in AT_ONCE),
        "times less server CPU at 16",
    ]
    return "## Ratios within a round\n\n" + _table(titles, rows)


def _starts(results: Results) -> str:
    rows = [
        [
            product,
            spread([start.ready for start in starts], 2),
            spread([start.rss_at_rest / _MIB for start in starts]),
            spread([start.rss_after / _MIB for start in starts]),
        ]
        for product, starts in results.rounds.starts.items()
    ]
    return "## Start and memory\n\n" + _table(
        ["", "s to ready", "RSS MiB at rest", "RSS MiB after load"], rows
    )


def _counted(results: Results) -> str:
    rows = [
        [
            product,
            str(one.at_once),
            *(
                "?" if value is None else f"{value:.1f}"
                for value in (one.statements, one.commits, one.flushes)
            ),
        ]
        for product, several in results.counted.items()
        for one in several
    ]
    return "## Per change\n\n" + _table(["", "at once", "statements", "commits", "flushes (fsync)"], rows)


def _grown(results: Results) -> str:
    rows = []
    for product in dict.fromkeys(one.product for one in results.grown):
        for accounts in dict.fromkeys(one.accounts for one in results.grown if one.product == product):
            some = [one for one in results.grown if (one.product, one.accounts) == (product, accounts)]
            rows.append(
                [
                    *(product, f"{accounts:,}", spread([one.rate for one in some])),
                    spread([one.p99 for one in some], 1),
                    spread([one.server_ms for one in some], 2),
                    spread([one.database_ms for one in some], 2),
                ]
            )
    titles = ["", "accounts", "changes/s", "p99 ms", "server CPU ms/change", "PostgreSQL CPU ms/change"]
    return f"## Growth, {GROWTH_AT_ONCE} at once\n\n" + _table(titles, rows)


def _flooded(results: Results) -> str:
    rows = [
        [
            one.product,
            *(
                f"{one.quiet['p50']:.1f}",
                f"{one.quiet['p99']:.1f}",
                f"{one.flooded['p50']:.1f}",
                f"{one.flooded['p99']:.1f}",
            ),
            *(f"{one.quiet['rate']:.0f}", f"{one.flooded['rate']:.0f}", f"{one.sign_ins['rate']:.1f}"),
        ]
        for one in results.flooded
    ]
    titles = [
        "",
        "p50 quiet",
        "p99 quiet",
        "p50 flooded",
        "p99 flooded",
        "changes/s quiet",
        "flooded",
        "sign-ins/s",
    ]
    return "## Phone changes (4 at once) beside 64 password sign-ins, ms\n\n" + _table(titles, rows)


def _limits(results: Results) -> str:
    rows = [
        [
            limit.what,
            f"{limit.rate:,.0f}",
            "" if limit.server_us is None else f"{limit.server_us:.0f}",
            limit.note,
        ]
        for limit in results.limits
    ]
    return "## Limits in the same run\n\n" + _table(["", "per second", "server CPU µs", ""], rows)


def brief(results: Results) -> str:
    """One line per product, for progress."""
    lines = []
    for product in results.rounds.cells:
        rates = "  ".join(
            f"{at_once}: {median([cell.rate for cell in _cells(results, product, at_once)]):,.0f}/s"
            for at_once in AT_ONCE
        )
        lines.append(f"{product:<24} {rates}")
    return "\n".join(lines)


_MORE = (
    (_counted, lambda results: results.counted),
    (_grown, lambda results: results.grown),
    (_flooded, lambda results: results.flooded),
    (_limits, lambda results: results.limits),
)
