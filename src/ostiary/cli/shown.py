"""How commands show what they found: JSON where asked for, tables on a terminal, plain aligned columns elsewhere."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any


def as_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=1 if sys.stdout.isatty() else None))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, nothing: str) -> None:
    """Rows under their columns; where there are none, `nothing` on standard error."""
    if not rows:
        sys.stderr.write(f"{nothing}\n")
        return
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, texts)
        return
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    for line in (columns, *texts):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def pairs(facts: Mapping[str, object]) -> None:
    """One fact a line; those that are None are left out."""
    told = {label: fact for label, fact in facts.items() if fact is not None}
    width = max(map(len, told), default=0)
    for label, fact in told.items():
        print(f"{label:<{width}}  {fact}")


def notices(found: Sequence[tuple[str, str, str, str]]) -> None:
    """Level, its colour, what is so, what to do: two lines each."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.text import Text

        console = Console()
        for level, colour, what, do in found:
            console.print(Text(f"{level:<8}", colour) + Text(what))
            console.print(Text(f"        → {do}", "dim"))
        return
    for level, _, what, do in found:
        print(f"{level:<8}{what}\n        → {do}")


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """A bar on standard error, on a terminal only; what it gives is called with how far it is, and a remark."""
    if not sys.stderr.isatty():
        yield lambda _done, _remark: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=max(1, total), remark="")
        yield lambda done, remark: bar.update(task, completed=done, remark=remark)


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*columns, header_style="bold")
    for row in rows:
        shown.add_row(*(Text(cell, overflow="fold") for cell in row))
    Console().print(shown)
