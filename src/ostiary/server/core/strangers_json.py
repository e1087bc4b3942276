"""JSON that strangers wrote, where what can't be read is simply not there: tokens, gateways' answers.

msgspec tells broken syntax, text that is no UTF-8, nesting without an end and a number of too many digits by four
different exceptions; who forgets one of them answers 500. (A request's body is read by `web/strict_json`, which tells
where it is wrong.)
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")


def read(raw: bytes, decode: Callable[[bytes], T]) -> T | None:
    """What `decode` (msgspec's, with or without a type) makes of it; None where it can make nothing."""
    try:
        return decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
