"""The shipped list of common passwords: those of breaches that are tried first by everybody who guesses.

16 290 of them, looked up in memory; where they come from and their licences: `common_passwords.LICENSE`.
"""

import gzip
from functools import cache
from importlib.resources import files


@cache
def passwords() -> frozenset[str]:
    """All of them, case folded. Read when first needed: 10 ms."""
    raw = files(__package__).joinpath("common_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(raw).decode().splitlines())
