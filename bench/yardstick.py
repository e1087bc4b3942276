"""How fast the machine is just now: CPU milliseconds of a fixed piece of Python. Others' work slows it down."""

import hashlib
import time

_TURNS = 60_000


def yardstick() -> float:
    start = time.process_time()
    digest, table = b"", {}
    for turn in range(_TURNS):
        digest = hashlib.sha256(digest + b"%d" % turn).digest()
        table[turn & 1023] = digest
    return (time.process_time() - start) * 1e3
