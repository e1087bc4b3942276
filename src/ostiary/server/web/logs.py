"""Logs: one JSON object a line, on standard error. Errors are told by kind and place.

The text of an exception may quote a row (a driver's "Key (number)=(…) already exists") and so a person's
number: it stays out, except in dev mode. A house test keeps numbers, codes and tokens out of log calls.

A line that cannot be written (the log's disk is full, its reader is gone) is lost, and nothing else with it: what
has to be remembered is in the audit trail.
"""

import json
import logging
import sys
import traceback
from contextlib import suppress
from types import TracebackType
from typing import Any, BinaryIO, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

_FRAMES = 12


def configure(level: str, *, verbose: bool = False) -> None:
    """Set up this process's logs; `verbose` shows the texts of exceptions."""
    number = logging.getLevelNamesMapping()[level.upper()]
    sink = _Sink(sys.stderr.buffer)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,  # request_id, on every line that is written on a request's way
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _Errors(verbose=verbose),
    ]
    structlog.configure(
        processors=[*shared, _line],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", sink)),  # all of it that a logger uses
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(cast("TextIO", _Text(sink)))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda logger, method, event: _line(logger, method, event).decode(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


def _line(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    """One line. What msgspec cannot write (a lone surrogate, say) is told in escapes: no line makes an error."""
    try:
        return msgspec.json.encode(event, enc_hook=repr)
    except (TypeError, ValueError):
        return json.dumps(event, default=repr).encode()


class _Sink:
    """A stream of bytes that loses what it cannot write."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        """See BinaryIO."""
        with suppress(OSError):
            self._stream.write(line)

    def flush(self) -> None:
        """See BinaryIO."""
        with suppress(OSError):
            self._stream.flush()


class _Text:
    """The same for a logger that writes text."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink

    def write(self, text: str) -> None:
        """See TextIO."""
        self._sink.write(text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """See TextIO."""
        self._sink.flush()


class _Errors:
    """Turns `exc_info` into the kind of the error and the places it came through."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        given = event.pop("exc_info", None)
        error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
        if isinstance(error, BaseException):
            event["error"] = type(error).__name__
            event["places"] = places(error.__traceback__)
            if self._verbose:
                event["why"] = str(error)
        return event


def places(trace: TracebackType | None) -> list[str]:
    """`file:line function` of the innermost frames, the last one innermost. No values."""
    frames: list[Any] = traceback.extract_tb(trace)[-_FRAMES:]
    return [
        f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}" for frame in frames
    ]
