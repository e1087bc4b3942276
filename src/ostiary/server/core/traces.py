"""Where an error came from, fit for a log: places, never values."""

import traceback


def places(error: BaseException, most: int = 12) -> list[str]:
    """The innermost frames, the innermost last: `server/storage/db.py:12 write`. An error's text may quote a row."""
    frames = traceback.extract_tb(error.__traceback__)[-most:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _short(file: str) -> str:
    """A file's path within its library, and within ours."""
    return file.rpartition("site-packages/")[2].rpartition("ostiary/")[2]
