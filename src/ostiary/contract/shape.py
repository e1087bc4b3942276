"""What a Struct looks like to its readers: its fields with types and notes, for the reference, OpenAPI and `/docs`."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it stands on the wire."""

    name: str
    """The wire name."""
    kind: str
    """In words: string, list of strings, one of some values; names stand in backticks."""
    required: bool
    note: str
    """What the Struct's author wrote below it; '' where its name says it all."""
    inner: tuple[type[msgspec.Struct], ...]
    """Structs inside it."""


@cache
def fields(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The fields of a Struct in their order."""
    told = notes(struct)
    found = []
    for field in msgspec.structs.fields(struct):
        text, inner = _type(msgspec.inspect.type_info(field.type))
        found.append(Field(field.encode_name, text, field.required, told.get(field.name, ""), tuple(inner)))
    return tuple(found)


def notes(struct: type[msgspec.Struct]) -> Mapping[str, str]:
    """The docstrings that stand below fields, own and inherited, by the fields' Python names."""
    found: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if issubclass(cls, msgspec.Struct) and cls is not msgspec.Struct:
            found |= _notes_in(cls)
    return found


def _notes_in(cls: type) -> dict[str, str]:
    [node] = ast.parse(inspect.getsource(cls)).body
    assert isinstance(node, ast.ClassDef)
    return {
        field.target.id: " ".join(str(note.value.value).split())
        for field, note in zip(node.body, node.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(note, ast.Expr)
        and isinstance(note.value, ast.Constant)
    }


def _type(info: msgspec.inspect.Type) -> tuple[str, list[Any]]:
    match info:
        case msgspec.inspect.UnionType(types):
            told = [_type(kind) for kind in types if not isinstance(kind, msgspec.inspect.NoneType)]
            return " or ".join(text for text, _ in told), [cls for _, inner in told for cls in inner]
        case msgspec.inspect.Metadata(kind):
            return _type(kind)
        case msgspec.inspect.StructType(cls):
            return f"`{cls.__name__}`", [cls]
        case msgspec.inspect.ListType():
            text, inner = _type(info.item_type)
            return f"list of {text}", inner
        case msgspec.inspect.LiteralType(values):
            return ", ".join(f"`{value}`" for value in values), []
        case msgspec.inspect.IntType(ge=ge, le=le) if ge is not None and le is not None:
            return f"integer, {ge:,} to {le:,}".replace(",0", " 0"), []
        case msgspec.inspect.DictType():
            return "object", []
    names = {"StrType": "string", "IntType": "integer", "BoolType": "boolean", "AnyType": "anything"}
    return names[type(info).__name__], []
