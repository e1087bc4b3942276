"""How a database would run a statement: which indexes it uses, which tables it reads whole.

    plan = explain(url, codes.LOAD, pool_id="p", target="+86…", channel="…", owner="…")
    assert not plan.whole and "codes_pkey" in plan.indexes

Both databases answer in the same words: an index by its name, a primary key as `<table>_pkey`.
PostgreSQL is asked with sequential scans discouraged, because no index pays on an empty table.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ostiary.server.storage.libpq import Wire
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.storage.tx import Sql


@dataclass(frozen=True)
class Plan:
    indexes: frozenset[str]
    """Indexes searched by a condition."""
    whole: frozenset[str]
    """Tables (or indexes of them) read from end to end."""
    text: str
    """What the database said, for the failure's message."""


def explain(url: str, sql: Sql, **params: Any) -> Plan:
    """Plan one statement on the database at `url`, which has our tables."""
    if url.startswith("sqlite:"):
        return _sqlite(url, sql, params)
    return _postgresql(url, sql, params)


def _sqlite(url: str, sql: Sql, params: dict[str, Any]) -> Plan:
    with closing(sqlite3.connect(path_of(url))) as connection:
        names = dict.fromkeys(re.findall(r"(?<!:):([a-z_][a-z_0-9]*)", sql.text))
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql.text}", {**names, **params}).fetchall()
    steps = [row[3] for row in rows]
    tables = _tables(sql.text)
    indexes, whole = set(), set()
    for step in steps:
        found = re.match(r"(SEARCH|SCAN) (\S+)(?: USING (?:COVERING )?(?:INDEX (\S+)|(PRIMARY KEY)))?", step)
        if found is None or (table := tables.get(found[2])) is None:
            continue
        if found[1] == "SCAN":
            whole.add(table)
        elif found[3]:
            # The index that SQLite makes for a primary key or UNIQUE where rows have an id of their own.
            indexes.add(f"{table}_pkey" if found[3].startswith("sqlite_autoindex") else found[3])
        else:
            indexes.add(f"{table}_pkey")
    return Plan(frozenset(indexes), frozenset(whole), "\n".join(steps))


def _tables(text: str) -> dict[str, str]:
    """Alias or name → table."""
    found = re.findall(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?", text, re.IGNORECASE)
    return {name: table for table, alias in found for name in (table, alias) if name}


def _postgresql(url: str, sql: Sql, params: dict[str, Any]) -> Plan:
    with closing(Wire(url)) as wire:
        wire.trip(("SET enable_seqscan = off", ()))
        values = [params.get(name) for name in sql.names]
        answer = wire.trip((f"EXPLAIN (FORMAT JSON) {sql.postgresql}", values))[0]
    text = answer.rows()[0][0]
    indexes, whole = set(), set()
    for node in _nodes(json.loads(text)[0]["Plan"]):
        kind = node["Node Type"]
        if kind == "Seq Scan":
            whole.add(node["Relation Name"])
        elif "Index Name" in node:
            if "Index Cond" in node:
                indexes.add(node["Index Name"])
            else:
                whole.add(node.get("Relation Name", node["Index Name"]))
    return Plan(frozenset(indexes), frozenset(whole), text)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)
