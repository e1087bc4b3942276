"""The results as Markdown. Medians, with the least and the most of the rounds in brackets."""

from bench.growth import AT_ONCE as GROWTH_AT_ONCE
from bench.results import Results, median, spread
from bench.rounds import AT_ONCE

_MIB = 2**20
_PEERS = ("better-auth", "allauth")


def markdown(results: Results) -> str:
    """All of it, as `make bench` prints it."""
    parts = [f"## {title}\n\n{text}" for title, text in tables(results).items()]
    return "\n\n".join([_head(results), *parts]) + "\n"


def tables(results: Results) -> dict[str, str]:
    """Title → table, of what was measured."""
    parts = {
        "Complete phone changes": (_changes, results.rounds.cells),
        "Ratios within a round": (_ratios, results.rounds.cells),
        "What a change costs": (_costs, results.rounds.cells),
        "Statements, commits, flushes": (_counted, results.counted),
        "Start and memory": (_starts, results.rounds.starts),
        f"Growth, {GROWTH_AT_ONCE} at once": (_grown, results.grown),
        "A flood of sign-ins": (_flooded, results.flooded),
        "Limits in the same run": (_limits, results.limits),
    }
    return {title: part(results) for title, (part, measured) in parts.items() if measured}


def table(titles: list[str], rows: list[list[str]]) -> str:
    """Markdown that people can read as it is, too."""
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


def _changes(results: Results) -> str:
    rows = []
    for product in results.rounds.cells:
        for at_once in AT_ONCE:
            cells = results.cells(product, at_once)
            rows.append(
                [
                    *(product, str(at_once), spread([cell.rate for cell in cells])),
                    spread([cell.p50 for cell in cells], 1),
                    spread([cell.p99 for cell in cells], 1),
                ]
            )
    return table(["", "at once", "changes/s", "p50 ms", "p99 ms"], rows)


def _costs(results: Results) -> str:
    rows = []
    for product in results.rounds.cells:
        for at_once in AT_ONCE:
            cells = results.cells(product, at_once)
            rows.append(
                [
                    *(product, str(at_once), spread([cell.server_ms for cell in cells], 2)),
                    _databases_own(product, [cell.database_ms for cell in cells]),
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
    return table(titles, rows)


def _databases_own(product: str, milliseconds: list[float]) -> str:
    """SQLite runs in the server's process."""
    return spread(milliseconds, 2) if "postgresql" in product else "in it"


def _ratios(results: Results) -> str:
    rows = []
    for product in results.rounds.cells:
        dialect = product.partition(" ")[2]
        for peer in _PEERS:
            rival = f"{peer} {dialect}"
            if not product.startswith("ostiary") or rival not in results.rounds.cells:
                continue
            row = [
                product,
                peer,
                *(spread(results.ratios(product, rival, at_once), 1) for at_once in AT_ONCE),
            ]
            pairs = zip(results.cells(product, 16), results.cells(rival, 16), strict=True)
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
    return table(titles, rows)


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
    return table(["", "s to ready", "RSS MiB at rest", "RSS MiB after load"], rows)


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
    return table(["", "at once", "statements", "commits", "flushes (fsync)"], rows)


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
                    _databases_own(product, [one.database_ms for one in some]),
                ]
            )
    titles = ["", "accounts", "changes/s", "p99 ms", "server CPU ms/change", "PostgreSQL CPU ms/change"]
    return table(titles, rows)


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
    return table(titles, rows)


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
    return table(["", "per second", "server CPU µs", ""], rows)


def brief(results: Results) -> str:
    """One line per product, for progress."""
    lines = []
    for product in results.rounds.cells:
        rates = "  ".join(
            f"{at_once}: {median([cell.rate for cell in results.cells(product, at_once)]):,.0f}/s"
            for at_once in AT_ONCE
        )
        lines.append(f"{product:<24} {rates}")
    return "\n".join(lines)
