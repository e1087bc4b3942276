"""This process's log, and what libraries write to it by `logging`: warnings and worse, as lines like ours."""

import logging

from ostiary.server.core.log import log


def configure(level: str, *, verbose: bool = False) -> None:
    """Write what is of `level` or above; `verbose` shows the texts of exceptions."""
    log.least = logging.getLevelNamesMapping()[level.upper()]
    log.verbose = verbose
    logging.basicConfig(handlers=[_Foreign()], level=max(log.least, logging.WARNING), force=True)


class _Foreign(logging.Handler):
    """Writes what others tell."""

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        error = record.exc_info[1] if record.exc_info else None
        try:
            log.write(record.levelname.lower(), record.getMessage(), {}, error)
        except Exception:  # noqa: BLE001 - a library's mistake in a log call is told, and nobody stumbles over it
            self.handleError(record)
