"""JSON that means one thing only: bytes → objects, or the place that makes them ambiguous or harmful.

Refused beyond what JSON itself refuses: a name twice in one object (also where one spelling is escaped), NUL and
lone surrogates in names or values, numbers beyond 64 bits or the finite floats, NaN and Infinity, a byte order
mark, more than 32 levels. Everything is linear in the body's length.

msgspec reads it, which keeps the last of two names: as many quotes must stand in the body as its names and texts have.
Whatever is not plain is read again by `json`, slowly, to find out whether something is wrong, and where.
"""

import json
import re
from typing import Any, Final

import msgspec

DEEPEST: Final = 32
_OUT_OF_RANGE: Final = object()
# Every alternative eats what it begins with, an unclosed string too: no place is read twice.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


class NotJSONError(ValueError):
    """The bytes are no JSON text."""


class FaultError(ValueError):
    """It is JSON, and one value or name in it is refused. `path` leads there, innermost last."""

    def __init__(self, path: tuple[str | int, ...]) -> None:
        super().__init__("refused value")
        self.path = path


class _SuspectError(Exception):
    """Something may be wrong somewhere: worth a second look that finds out where."""


_read = msgspec.json.Decoder().decode


def parse(body: bytes) -> Any:
    """The value that `body` spells. Raises NotJSONError or FaultError."""
    if body.find(b"\\") < 0:
        try:
            value = _read(body)
            if body.count(b'"') == 2 * _texts(value, 0):
                return value
        except (_SuspectError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _second_look(body)
    return _second_look(body)


def _texts(value: Any, depth: int) -> int:
    """How many names and texts stand in a value, `depth` levels down."""
    kind = type(value)
    if kind is dict or kind is list:
        if depth == DEEPEST:
            raise _SuspectError
        count = 0
        if kind is dict:
            count, value = len(value), value.values()
        for member in value:
            count += 1 if type(member) is str else _texts(member, depth + 1)
        return count
    if kind is int and not -(2**63) <= value < 2**63:
        raise _SuspectError
    return 1 if kind is str else 0


def _second_look(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJSONError from error
    if text.count("{") + text.count("[") > DEEPEST and _too_deep(text):
        raise NotJSONError
    try:
        return _checked(_whole(text), ())
    except (json.JSONDecodeError, RecursionError) as error:
        raise NotJSONError from error


def _whole(text: str) -> Any:
    """What `_OPEN.decode` gives, without its two searches for white space."""
    bare = text.strip(" \t\n\r")
    value, end = _OPEN.raw_decode(bare)
    if end != len(bare):
        raise json.JSONDecodeError("extra data", bare, end)
    return value


def clean_text(text: str) -> bool:
    """Whether a string has neither NUL nor lone surrogates."""
    return _NOT_TEXT.search(text) is None


def _too_deep(text: str) -> bool:
    depth = 0
    for found in _BRACKETS.finditer(text):
        mark = found[0]
        if mark in "{[":
            depth += 1
            if depth > DEEPEST:
                return True
        elif mark in "}]":
            depth -= 1
    return False


def _integer_or_not(digits: str) -> Any:
    if len(digits) > 20:  # a sign and the 19 digits of 2^63; int() of more would cost its square
        return _OUT_OF_RANGE
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else _OUT_OF_RANGE


def _float_or_not(digits: str) -> Any:
    number = float(digits)
    return _OUT_OF_RANGE if number in {float("inf"), float("-inf")} else number


def _no_constant(name: str) -> Any:
    raise json.JSONDecodeError("not a number", name, 0)


class _Pairs(list[tuple[str, Any]]):
    """An object before its names were compared."""


_OPEN = json.JSONDecoder(
    object_pairs_hook=_Pairs,
    parse_int=_integer_or_not,
    parse_float=_float_or_not,
    parse_constant=_no_constant,
)


def _checked(value: Any, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, _Pairs):
        members: dict[str, Any] = {}
        for name, member in value:
            if not clean_text(name):
                raise FaultError(path)
            if name in members:
                raise FaultError((*path, name))
            members[name] = _checked(member, (*path, name))
        return members
    if isinstance(value, list):
        return [_checked(item, (*path, place)) for place, item in enumerate(value)]
    if value is _OUT_OF_RANGE or (isinstance(value, str) and not clean_text(value)):
        raise FaultError(path)
    return value
