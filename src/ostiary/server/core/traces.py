"""Where an error came from, fit for a log: places, never values."""

import traceback


def where(error: BaseException, most: int = 8) -> list[str]:
    """The innermost frames, the innermost last: `server/storage/db.py:12 write`. An error's text may quote a row."""
    frames = traceback.extract_tb(error.__traceback__)[-most:]
    return [f"{frame.filename.rpartition('ostiary/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
