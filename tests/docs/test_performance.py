"""docs/performance.md shows what docs/performance.json says: every table, the verdicts, the picture."""

import dataclasses

import pytest

from bench import aims, chart, publish
from bench.results import Results, median
from bench.rounds import AT_ONCE

PAGE = publish.PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results() -> Results:
    return Results.read(publish.VALUES)


def test_the_tables_are_of_the_values_beside_the_page(results):
    assert publish.with_tables(PAGE, results) == PAGE, "run `python -m bench.publish docs/performance.json`"


def test_what_is_published_is_a_whole_run(results):
    assert (results.mode, results.missing) == ("full", [])
    assert {len(results.cells(product, 64)) for product in results.rounds.cells} == {3}
    assert max(one.accounts for one in results.grown) == 1_000_000


def test_the_picture_is_of_the_same_values(results):
    picture = publish.PICTURE.read_text(encoding="utf-8")
    assert picture == chart.draw(results)
    written = list(chart.texts(picture))
    for product in ("ostiary", "better-auth", "allauth"):
        assert product in written
        for dialect in ("sqlite", "postgresql"):
            for at_once in AT_ONCE:
                cells = results.cells(f"{product} {dialect}", at_once)
                assert f"{median([cell.rate for cell in cells]):,.0f}" in written


def test_an_aim_that_is_missed_is_told(results):
    slow = dataclasses.replace(results.rounds.starts["ostiary sqlite"][0], ready=0.81, rss_after=91 * 10**6)
    rounds = dataclasses.replace(results.rounds, starts={**results.rounds.starts, "ostiary sqlite": [slow]})
    told = aims.table(dataclasses.replace(results, rounds=rounds))
    verdicts = {
        cells[1].strip(): cells[4].strip() for line in told.splitlines() if len(cells := line.split("|")) > 4
    }
    assert verdicts["ready, s"] == verdicts["resident after load, MB"] == "not reached"
    assert verdicts["server CPU per change at 16, ms"] == "reached"


def test_a_page_without_a_place_for_a_table_is_refused(results):
    with pytest.raises(publish.NoPlaceError, match="Growth, 16 at once"):
        publish.with_tables(PAGE.replace("### Growth, 16 at once", "### Growth"), results)
