"""`python -m bench.publish`: the last full run's tables and picture into docs/performance.md.

What is published stays beside the page as docs/performance.json, every single value, and a test holds the page to it.
The sentences around the tables, and the rooms (`bench.breakdown`), are people's: read them again after this.
"""

import argparse
import re
import shutil
from pathlib import Path

from bench import aims, chart, report
from bench.results import Results

DOCS = Path(__file__).parent.parent / "docs"
PAGE, VALUES, PICTURE = (DOCS / f"performance.{ending}" for ending in ("md", "json", "svg"))
AIMS = "The aims, and what was reached"
_LAST_RUN = Path(__file__).parent / ".results" / "full.json"


class NoPlaceError(Exception):
    """The page has no table under a heading."""


def with_tables(page: str, results: Results) -> str:
    """The page with the tables of these results in place of those it has. Raises `NoPlaceError`."""
    for title, table in {AIMS: aims.table(results), **report.tables(results)}.items():
        page = _with_table(page, title, table)
    return page


def _with_table(page: str, title: str, table: str) -> str:
    heading = re.search(rf"^##+ {re.escape(title)}$", page, re.MULTILINE)
    old = re.compile(r"^\|.*\n(?:\|.*\n)*", re.MULTILINE).search(page, heading.end()) if heading else None
    if old is None:
        raise NoPlaceError(f"{PAGE.name} has no table under “{title}”")
    return f"{page[: old.start()]}{table}\n{page[old.end() :]}"


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench.publish", description=__doc__)
    options.add_argument(
        "results", type=Path, nargs="?", default=_LAST_RUN, help="default: the last full run"
    )
    source = options.parse_args().results
    results = Results.read(source)
    page = with_tables(PAGE.read_text(encoding="utf-8"), results)
    shutil.copyfile(source, VALUES)
    PICTURE.write_text(chart.draw(results), encoding="utf-8")
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.name}, {PICTURE.name} and {VALUES.name} are of commit {results.machine['commit']}.")


if __name__ == "__main__":
    main()
