"""Reading JSON that others wrote: however it is broken, hostile or strange, that is one exception.

msgspec tells a syntax error, text that is not UTF-8, nesting without an end and a number beyond reason by
four different exceptions; who forgets one of them lets a stranger's bytes crash a program.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class NotReadable(ValueError):
    """It is no JSON, or not the JSON that was wanted. Its text shows none of what came."""


def read(content: bytes | msgspec.Raw, decode: Callable[[bytes | msgspec.Raw], T]) -> T:
    """What `decode`, which may check types, makes of the bytes; `NotReadable` where it can't."""
    try:
        return decode(content)
    except RecursionError:
        raise NotReadable("it is nested too deeply") from None
    except msgspec.ValidationError as error:
        raise NotReadable(_without_value(str(error))) from None
    except msgspec.DecodeError:
        raise NotReadable("it is not JSON") from None
    except ValueError:  # UnicodeDecodeError is one, a number of too many digits another
        raise NotReadable("it is not JSON in UTF-8") from None


def read_any(content: bytes | msgspec.Raw) -> Any:
    """The value as plain Python; `NotReadable` where there is none."""
    return read(content, msgspec.json.decode)


def _without_value(reason: str) -> str:
    """The one sentence of msgspec's that quotes what came."""
    if not reason.startswith("Invalid enum value"):
        return reason
    _, at, where = reason.rpartition(" - at ")
    return f"a value is none of those known{at}{where}" if at else "a value is none of those known"
