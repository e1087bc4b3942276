"""Every field of every operation's form, found by walking the Structs: where it stands, and what it may be."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from ostiary.contract.operation import Kind, Operation
from ostiary.contract.operations import OPERATIONS
from tests.wire.forms import LEAST

Form = dict[str, Any]
HOLE = "@hole@"

JSON_FORMS = tuple(op for op in OPERATIONS if op.request and op.method == "POST" and op.kind is Kind.API)
TEXT_FORMS = tuple(op for op in OPERATIONS if op.request and op not in JSON_FORMS)


@dataclass(frozen=True)
class Spot:
    """One field of one form."""

    op: Operation
    path: tuple[str | int, ...]
    """Wire names; a 0 is the first member of a list."""
    kinds: tuple[inspect.Type, ...]
    required: bool

    def __str__(self) -> str:
        return f"{self.op.name}:{self.dotted}"

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.path))

    @property
    def name(self) -> str:
        """The plain wire name that an answer calls it."""
        return next(part for part in reversed(self.path) if isinstance(part, str))

    @property
    def can_be_missing(self) -> bool:
        """Whether its absence is a mistake: an object that holds nothing else is absent as a whole."""
        if not self.required:
            return False
        form: Any = self.form(...)
        for part in self.path[:-1]:
            form = form[part]
        return bool(form) or len(self.path) == 1 or self.path[-2] == 0

    @property
    def in_list(self) -> bool:
        return self.path[-1] == 0

    def form(self, value: Any) -> Form:
        """The operation's least form with this value here; without the field where it is `...`."""
        form: Form = json.loads(json.dumps(LEAST[self.op.name]))
        assert self.op.request is not None
        node: Any = form
        info: inspect.Type = _about(self.op.request)
        for part in self.path[:-1]:
            info = _inside(info, part)
            if isinstance(part, str):
                node = node.setdefault(part, _least(info))
            else:
                node[:] = node[:1] or [_least(info)]
                node = node[0]
        if isinstance(node, dict) and (value is ... or value is None or value == ""):
            node.update(self._companion(info))  # an optional object without members is absent as a whole
        if value is ...:
            node.pop(self.path[-1], None)
        elif self.in_list:
            node[:] = [value]
        else:
            node[self.path[-1]] = value
        return form

    def _companion(self, info: inspect.Type) -> Form:
        """An optional member beside this one, where there is one."""
        members = info.fields if isinstance(info, inspect.StructType) and len(self.path) > 1 else ()
        others = [member for member in members if not member.required and member.encode_name != self.path[-1]]
        return {others[0].encode_name: _least(others[0].type)} if others else {}

    def body(self, spelling: str) -> bytes:
        """The same with a JSON text here, spelled as it is."""
        return json.dumps(self.form(HOLE)).replace(f'"{HOLE}"', spelling).encode()

    def twice(self, value: Any) -> bytes:
        """The same with the field there twice."""
        member = f'"{self.path[-1]}": {json.dumps(value)}'
        return (
            json.dumps(self.form(HOLE))
            .replace(f'"{self.path[-1]}": "{HOLE}"', f"{member}, {member}")
            .encode()
        )

    @property
    def fitting(self) -> Any:
        """A value that may stand here."""
        return _least_of(self.kinds)


@cache
def _about(form: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(form)


def spots(op: Operation) -> Iterator[Spot]:
    """Every field of an operation's form, outer ones first."""
    assert op.request is not None
    yield from _walk(op, _about(op.request), ())


def _walk(op: Operation, info: inspect.Type, path: tuple[str | int, ...]) -> Iterator[Spot]:
    assert isinstance(info, inspect.StructType)
    for member in info.fields:
        kinds = alternatives(member.type)
        here = (*path, member.encode_name)
        yield Spot(op, here, kinds, member.required)
        for kind in kinds:
            if isinstance(kind, inspect.StructType):
                yield from _walk(op, kind, here)
            elif isinstance(kind, inspect.ListType):
                items = alternatives(kind.item_type)
                if isinstance(items[0], inspect.StructType):
                    yield from _walk(op, items[0], (*here, 0))
                else:
                    yield Spot(op, (*here, 0), items, required=False)


def alternatives(info: inspect.Type) -> tuple[inspect.Type, ...]:
    """What may stand somewhere, None left out."""
    kinds: Sequence[inspect.Type] = info.types if isinstance(info, inspect.UnionType) else (info,)
    plain = [kind.type if isinstance(kind, inspect.Metadata) else kind for kind in kinds]
    return tuple(kind for kind in plain if not isinstance(kind, inspect.NoneType))


def _inside(info: inspect.Type, part: str | int) -> inspect.Type:
    """The type of a member, or of a list's item."""
    if isinstance(part, str):
        assert isinstance(info, inspect.StructType)
        found = next(member.type for member in info.fields if member.encode_name == part)
        return next(
            kind for kind in alternatives(found) if isinstance(kind, inspect.StructType | inspect.ListType)
        )
    assert isinstance(info, inspect.ListType)
    return alternatives(info.item_type)[0]


def _least(info: inspect.Type) -> Any:
    return _least_of(alternatives(info))


def _least_of(kinds: Sequence[inspect.Type]) -> Any:
    """The smallest value of a type: required members only, one item a list."""
    match kinds[0]:
        case inspect.StructType() as kind:
            return {member.encode_name: _least(member.type) for member in kind.fields if member.required}
        case inspect.ListType() as kind:
            return [_least(kind.item_type)]
        case inspect.LiteralType() as kind:
            return kind.values[0]
        case inspect.BoolType():
            return True
        case inspect.IntType() as kind:
            return kind.ge if kind.ge is not None else 1
        case inspect.StrType() as kind:
            return "+86" if kind.pattern else "x" * (kind.min_length or 1)
        case _:
            return {"a": 1}


def fits(kinds: Sequence[inspect.Type], value: Any) -> bool | None:
    """Whether a value may stand where one of these may; None where its members decide that."""
    verdicts = [_fits(kind, value) for kind in kinds]
    if True in verdicts:
        return True
    return None if None in verdicts else False


def _fits(kind: inspect.Type, value: Any) -> bool | None:
    match kind:
        case inspect.AnyType():
            return True
        case inspect.DictType():
            return isinstance(value, dict)
        case inspect.StructType():
            return None if isinstance(value, dict) else False
        case inspect.ListType():
            return _list_fits(kind, value)
        case _:
            return _plain_fits(kind, value)


def _list_fits(kind: inspect.ListType, value: Any) -> bool | None:
    if not isinstance(value, list):
        return False
    if not (kind.min_length or 0) <= len(value) <= (kind.max_length or len(value)):
        return False
    verdicts = [fits(alternatives(kind.item_type), item) for item in value]
    return False if False in verdicts else None if None in verdicts else True


def _plain_fits(kind: inspect.Type, value: Any) -> bool:
    match kind:
        case inspect.LiteralType():
            return value in kind.values and not isinstance(value, bool)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            whole = isinstance(value, int) and not isinstance(value, bool)
            return whole and (kind.ge is None or value >= kind.ge) and (kind.le is None or value <= kind.le)
        case inspect.StrType():
            short = isinstance(value, str) and (kind.max_length is None or len(value) <= kind.max_length)
            return short and (kind.pattern is None or re.search(kind.pattern, value) is not None)
    raise AssertionError(kind)


def longest(spot: Spot) -> int | None:
    """How long a text may be here; None: no text, or any."""
    texts = [kind for kind in spot.kinds if isinstance(kind, inspect.StrType)]
    return texts[0].max_length if texts else None
