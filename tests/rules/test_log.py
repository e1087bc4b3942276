"""A line is one JSON object with what belongs on it, and none makes an error."""

import json
import logging
import sys
from contextvars import copy_context
from types import SimpleNamespace

import pytest

from ostiary.server.core import log as log_module
from ostiary.server.core.log import log, request_id
from ostiary.server.web import logs


class Stream:
    """Standard error, as far as the log uses it."""

    def __init__(self):
        self.buffer = self
        self.writes: list[bytes] = []
        self.full = False

    def write(self, text: bytes):
        if self.full:
            raise OSError(28, "No space left on device")
        self.writes.append(text)

    def flush(self):
        if self.full:
            raise OSError(28, "No space left on device")

    def lines(self):
        return [json.loads(line) for text in self.writes for line in text.splitlines()]


@pytest.fixture
def stream(monkeypatch):
    found = Stream()
    # pytest itself puts something else in the place of sys.stderr between a fixture and its test
    monkeypatch.setattr(log_module, "sys", SimpleNamespace(stderr=found, exc_info=sys.exc_info))
    monkeypatch.setattr(log, "least", logging.INFO)
    monkeypatch.setattr(log, "verbose", False)
    return found


def test_a_line_says_what_when_and_on_whose_way(stream):
    def on_its_way():
        request_id.set("r-1")
        log.info("answered", http=200)
        log.warning("told", request_id="r-2")

    copy_context().run(on_its_way)
    log.info("alone")
    first, second, third = stream.lines()
    assert list(first) == ["http", "event", "request_id", "level", "at"]
    assert (first["http"], first["event"], first["request_id"], first["level"]) == (
        200,
        "answered",
        "r-1",
        "info",
    )
    assert first["at"].endswith("Z")
    assert len(first["at"]) == len("2025-01-31T08:05:00.123456Z")
    assert (second["request_id"], second["level"]) == ("r-2", "warning")
    assert "request_id" not in third


def test_an_error_is_told_by_kind_and_place_and_in_dev_mode_by_its_text(stream):
    for log.verbose in (False, True):
        try:
            int("Key (number)=(+8613800138000)")
        except ValueError:
            log.exception("error")
            log.warning("unavailable", why="SQLITE_FULL", exc_info=True)
    quiet, known, loud, loud_and_known = stream.lines()
    assert [line["error"] for line in stream.lines()] == ["ValueError"] * 4
    assert "test_log.py" in quiet["places"][-1]
    assert "138" not in stream.writes[0].decode()
    assert "text" not in quiet | known
    assert "Key" in loud["text"]
    assert known["why"] == loud_and_known["why"] == "SQLITE_FULL", "what the caller says stands beside it"


def test_what_is_below_the_level_is_not_written(stream, monkeypatch):
    monkeypatch.setattr(log, "least", logging.WARNING)
    log.info("answered")
    log.warning("told")
    assert [line["event"] for line in stream.lines()] == ["told"]


def test_no_line_makes_an_error(stream):
    log.info("odd", text="\ud800", what=object, many={1, 2})
    assert stream.lines()[0]["text"] == "\ud800"
    stream.full = True
    log.info("lost")
    log.error("lost")


def test_libraries_write_such_lines_too(stream):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logs.configure("info")
        logging.getLogger("some.library").warning("low on %s", "space")
        logging.getLogger("some.library").info("chatter")
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    (line,) = stream.lines()
    assert (line["event"], line["level"]) == ("low on space", "warning")
