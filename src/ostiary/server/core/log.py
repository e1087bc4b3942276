"""The log: one JSON object a line. Errors are told by kind and place.

The text of an exception may quote a row (a driver's "Key (number)=(…) already exists") and so a person's
number: it stays out, except in dev mode. A house test keeps numbers, codes and tokens out of log calls.

A line that cannot be written (the log's disk is full, its reader is gone) is lost, and nothing else with it: what
has to be remembered is in the audit trail.
"""

import json
import logging
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

from ostiary.server.core.traces import places

_encode = msgspec.json.Encoder(enc_hook=repr).encode

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request on whose way we are: it stands on every line that is written there."""


class Log:
    """Writes an event and its facts: `log.info("answered", http=200)`. There is one: `log`."""

    def __init__(self) -> None:
        self.least = logging.INFO
        """What is below this level is not written."""
        self.verbose = False
        """Whether lines show the texts of exceptions."""
        self._second = ("", "")

    def info(self, event: str, /, **facts: Any) -> None:
        """What went as it should."""
        if self.least <= logging.INFO:
            self.write("info", event, facts)

    def told(self, event: str, facts: dict[str, Any]) -> None:
        """The same for facts that are a dict already, which is the line's from now on."""
        if self.least <= logging.INFO:
            self.write("info", event, facts)

    def warning(self, event: str, /, **facts: Any) -> None:
        """What somebody should look at some day. `exc_info`: tell of the error that is being handled."""
        if self.least <= logging.WARNING:
            self.write("warning", event, facts)

    def error(self, event: str, /, **facts: Any) -> None:
        """What somebody should look at now."""
        self.write("error", event, facts)

    def exception(self, event: str, /, **facts: Any) -> None:
        """The same, with the error that is being handled."""
        self.write("error", event, facts, sys.exc_info()[1])

    def write(
        self, level: str, event: str, facts: dict[str, Any], error: BaseException | None = None
    ) -> None:
        """One line, whatever the level. `facts` is written into."""
        if "exc_info" in facts and facts.pop("exc_info"):
            error = sys.exc_info()[1]
        facts["event"] = event
        if "request_id" not in facts and (asked_by := request_id.get()):
            facts["request_id"] = asked_by
        facts["level"] = level
        facts["at"] = self._now()
        if error is not None:
            facts["error"] = type(error).__name__
            facts["places"] = places(error)
            if self.verbose:
                facts["text"] = str(error)
        _put(_line(facts))

    def _now(self) -> str:
        """`2025-01-31T08:05:00.123456Z`: the machine's time. Its seconds are put into words once."""
        nanos = str(time.time_ns())
        known, text = self._second
        if nanos[:-9] != known:
            known = nanos[:-9]
            text = datetime.fromtimestamp(int(known), UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._second = (known, text)
        return f"{text}.{nanos[-9:-3]}Z"


def _line(facts: dict[str, Any]) -> bytes:
    """What msgspec cannot write (a lone surrogate, say) is told in escapes: no line makes an error."""
    try:
        return _encode(facts) + b"\n"
    except (TypeError, ValueError):
        return json.dumps(facts, default=repr).encode() + b"\n"


def _put(line: bytes) -> None:
    out = sys.stderr.buffer
    try:
        out.write(line)
        out.flush()
    except OSError:
        return


log = Log()
