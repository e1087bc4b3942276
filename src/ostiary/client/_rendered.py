"""Types as source text, and the imports that the text needs. Part of the generator."""

import re
import types
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from ostiary.contract import common


class Rendered:
    """Collects what a generated module has to import."""

    def __init__(self) -> None:
        self._structs: dict[str, str] = {}
        self._typing: set[str] = set()
        self._mapping = False

    def struct(self, kind: type[msgspec.Struct]) -> str:
        """A Struct's name, to be imported from where it is."""
        self._structs[kind.__name__] = kind.__module__
        return kind.__name__

    def alias(self, name: str) -> str:
        """A name of the contract's for a set of values."""
        self._structs[name] = common.__name__
        return name

    def typing(self, name: str) -> str:
        """A name of ``typing``."""
        self._typing.add(name)
        return name

    def envelope(self) -> str:
        """What the incumbent's methods return."""
        return f"dict[str, {self.typing('Any')}]"

    def mapping(self) -> str:
        """What a payload may be besides its Struct."""
        self._mapping = True
        return f"Mapping[str, {self.typing('Any')}]"

    def read(self, *sources: str) -> None:
        """Note the Structs that hand-written source names."""
        from ostiary.contract import profile, signin, tokens

        for name in re.findall(r"[A-Z]\w+", " ".join(sources)):
            for module in (profile, signin, tokens):
                kind = getattr(module, name, None)
                if kind is not None and kind.__module__ == module.__name__:
                    self.struct(kind)

    def imports(self, clients: str) -> str:
        """The import block, in the linter's order."""
        by_module: dict[str, list[str]] = {}
        for name, module in self._structs.items():
            by_module.setdefault(module, []).append(name)
        stdlib = ["from collections.abc import Mapping"] if self._mapping else []
        if self._typing:
            stdlib.append(f"from typing import {', '.join(sorted(self._typing))}")
        ours = [clients, "from ostiary.client._endpoint import Result, api, fields, oauth"]
        for module in sorted(by_module):
            names = ",\n    ".join(sorted(by_module[module]))
            ours.append(f"from {module} import (\n    {names},\n)")
        return "\n".join([*stdlib, "", *ours])


def render(hint: Any, rendered: Rendered) -> str:
    """A type as source: `SignUpProfile | Mapping[str, Any] | None`."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is None or hint is type(None):
        return "None"
    if hint is Any:
        return rendered.typing("Any")
    if origin in {Union, types.UnionType}:
        return " | ".join(render(one, rendered) for one in args)
    if origin is Literal:
        alias = next((name for name, value in vars(common).items() if value == hint), None)
        if alias:
            return rendered.alias(alias)
        return f"{rendered.typing('Literal')}[{', '.join(repr(value).replace(chr(39), chr(34)) for value in args)}]"
    if origin in {list, dict}:
        return f"{origin.__name__}[{', '.join(render(one, rendered) for one in args)}]"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return rendered.struct(hint)
    return str(hint.__name__)


def accepted(hint: Any, rendered: Rendered) -> str:
    """A parameter's type: where a Struct stands, a mapping with wire names will do."""
    text = render(hint, rendered)
    for kind in _structs_in(hint):
        text = re.sub(rf"\b{kind.__name__}\b", f"{kind.__name__} | {rendered.mapping()}", text)
    return text


def loose(hint: Any, rendered: Rendered) -> str:
    """A parameter's type as callers of the incumbent's SDK have it: text, numbers, dicts and lists."""
    args = get_args(hint)
    if get_origin(hint) in {Union, types.UnionType}:
        return " | ".join(dict.fromkeys(loose(one, rendered) for one in args))
    if get_origin(hint) is Literal:
        return "str"
    if get_origin(hint) is list:
        return f"list[{rendered.typing('Any')}]"
    if is_payload(hint):
        return rendered.mapping()
    return render(hint, rendered)


def is_payload(hint: Any) -> bool:
    """Whether it is a Struct (or None); a list of Structs is none."""
    if get_origin(hint) is list:
        return False
    return any(isinstance(one, type) and issubclass(one, msgspec.Struct) for one in (hint, *get_args(hint)))


def _structs_in(hint: Any) -> list[type[msgspec.Struct]]:
    if isinstance(hint, type) and not get_args(hint):
        return [hint] if issubclass(hint, msgspec.Struct) else []
    return [kind for one in get_args(hint) for kind in _structs_in(one)]
