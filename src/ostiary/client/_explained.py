"""What docstrings of generated methods say, out of the contract: fields, answers, errors, a sample."""

import ast
import inspect
import textwrap
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import msgspec

from ostiary.client._refusals import FAMILIES
from ostiary.contract import common
from ostiary.contract.operation import Kind, Operation
from ostiary.contract.operations import common_errors

WIDTH = 100
MOST_FIELDS_TOLD = 8
EXAMPLES = {
    "pass_code": "123456",
    "user_id": "6397f6e3c2b4a1d05e8f7a90",
    "user_ids": ["6397f6e3c2b4a1d05e8f7a90"],
}
"""By field; else the contract's own example, else the only sensible value of its type."""
SAMPLES = {
    "sign_up": {"connection": '"PASSWORD"', "password_payload": '{"username": "lin", "password": "…"}'},
    "sign_in_by_credentials": {
        "connection": '"PASSWORD"',
        "password_payload": '{"account": "lin", "password": "…"}',
        "options": '{"scope": "openid profile phone offline_access"}',
    },
    "pre_check_code": {
        "code_type": '"SMS"',
        "sms_code_payload": '{"phone": "13800138000", "passCode": "123456", "channel": "CHANNEL_BIND_PHONE"}',
    },
    "update_security_settings": {"change_phone_strategy": '{"verifyOldPhone": True}'},
    "create_user": {"username": '"lin"', "phone": '"13800138000"'},
    "list_users": {"keywords": '"138"', "options": '{"pagination": {"page": 1, "limit": 50}}'},
}
"""By operation, where the required arguments alone are not a call that does something."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What the contract's source says about a Struct's fields, in the strings below them."""

    kind: type[msgspec.Struct]
    told: dict[str, str]
    annotations: dict[str, str]

    @classmethod
    def of(cls, kind: type[msgspec.Struct]) -> "Explained":
        """Read the class's source, and those it stands on."""
        told: dict[str, str] = {}
        annotations: dict[str, str] = {}
        for base in reversed(kind.__mro__):
            if base.__module__.startswith("ostiary.contract"):
                body = _class_body(base)
                told |= _strings_below(body)
                annotations |= {
                    statement.target.id: ast.unparse(statement.annotation)
                    for statement in body
                    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
                }
        return cls(kind, told, annotations)

    def field(self, name: str) -> str:
        """What is said about a field, else about its type's alias, else about its Struct."""
        if name in self.told:
            return self.told[name]
        first = self.annotations[name].partition(" | ")[0]
        alias = _aliases(common).get(first)
        if alias:
            return alias
        struct = _struct_of(self.kind, name)
        return (inspect.getdoc(struct) or "").partition("\n")[0] if struct else ""

    def example(self, name: str, hint: Any) -> str:
        """A value as source."""
        if name in EXAMPLES:
            return repr(EXAMPLES[name])
        struct = _struct_of(self.kind, name)
        if struct is not None:
            inner = Explained.of(struct)
            required = [info for info in msgspec.structs.fields(struct) if info.required]
            pairs = (f'"{info.encode_name}": {inner.example(info.name, info.type)}' for info in required)
            return "{" + ", ".join(pairs) + "}"
        if get_origin(hint) is Literal:
            return repr(get_args(hint)[0])
        declared = next(info for info in msgspec.structs.fields(self.kind) if info.name == name).type
        for meta in getattr(declared, "__metadata__", ()):
            if meta.examples:
                return repr(meta.examples[0])
        return f'"{"123456" if "pass_code" in name else "…"}"'

    @staticmethod
    def wrapped(text: str, indent: str = "") -> list[str]:
        """A paragraph in lines."""
        return textwrap.wrap(
            text, WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
        )


def answer_lines(op: Operation) -> list[str]:
    """What the answer holds, where that fits into a list."""
    if op.struct is None:
        return ["`data` is None."] if op.kind is Kind.API else []
    where = "`data`" if op.kind is Kind.API else "The answer"
    told = Explained.of(op.struct)
    infos = msgspec.structs.fields(op.struct)
    what = f"a list of `{op.struct.__name__}`" if op.is_list else f"`{op.struct.__name__}`"
    if len(infos) > MOST_FIELDS_TOLD:
        return [f"{where} is {what}."]
    lines = [f"{where} is {what}:", ""]
    for info in infos:
        said = told.told.get(info.name, "")
        lines += Explained.wrapped(f"- `.{info.name}`" + (f": {said}" if said else ""), indent="  ")
    return lines


def error_lines(op: Operation) -> list[str]:
    """The errors that it may raise, as classes."""
    own = list(dict.fromkeys(f"`{FAMILIES[key].__name__}`" for key in op.own_errors))
    shared = list(dict.fromkeys(f"`{FAMILIES[key].__name__}`" for key in common_errors(op)))
    shared = [name for name in shared if name not in own]
    if op.kind is Kind.OAUTH:
        own = ["`OAuthError`"]
    if not own and not shared:
        return []
    return [
        "",
        *Explained.wrapped(f"Raises {', '.join(own + shared)}; and `APIConnectionError`, `APITimeoutError`."),
    ]


def sample_lines(name: str, arguments: list[tuple[str, str]], wait: str) -> list[str]:
    """A call as one would type it."""
    arguments = list(SAMPLES[name].items()) if name in SAMPLES else arguments
    one_line = f"    {wait}client.{name}({', '.join(f'{key}={value}' for key, value in arguments)})"
    if len(one_line) <= WIDTH:
        return [one_line.replace("'", '"')]
    lines = [f"    {wait}client.{name}(", *(f"        {key}={value}," for key, value in arguments), "    )"]
    return [line.replace("'", '"') for line in lines]


def _struct_of(kind: type[msgspec.Struct], name: str) -> type[msgspec.Struct] | None:
    declared = next(info for info in msgspec.structs.fields(kind) if info.name == name).type
    for one in (declared, *get_args(declared)):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one
    return None


def _class_body(kind: type) -> list[ast.stmt]:
    module = ast.parse(inspect.getsource(kind))
    definition = module.body[0]
    assert isinstance(definition, ast.ClassDef)
    return definition.body


@cache
def _aliases(module: ModuleType) -> dict[str, str]:
    return _strings_below(ast.parse(inspect.getsource(module)).body)


def _strings_below(body: list[ast.stmt]) -> dict[str, str]:
    """Name → the string that stands below its assignment."""
    found = {}
    for statement, below in pairwise(body):
        name = _assigned(statement)
        if name and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[name] = " ".join(str(below.value.value).split())
    return found


def _assigned(statement: ast.stmt) -> str | None:
    target: ast.expr | None = None
    if isinstance(statement, ast.AnnAssign):
        target = statement.target
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    return target.id if isinstance(target, ast.Name) else None
