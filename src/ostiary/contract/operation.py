"""What one row of the operations table says."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import msgspec

from ostiary.contract.keys import Key


class Who(Enum):
    """Whose credential an operation wants."""

    ANYONE = "anyone"
    """Nobody needs to be signed in; a token may be on the request (real clients attach one to every call)."""
    CLIENT = "client"
    """An application that authenticates the way it is set up to (none, body, Basic)."""
    USER = "user"
    """A signed-in user: an access token that is good."""
    MANAGEMENT = "management"
    """A management token of the pool."""


class Kind(Enum):
    """In which form an operation answers."""

    API = "api"
    """The envelope, always with HTTP 200."""
    OAUTH = "oauth"
    """OAuth's own form: RFC 6749 §5.1 and §5.2, form-encoded requests."""
    BARE = "bare"
    """A bare object, no envelope: discovery, JWKS, `system`."""


@dataclass(frozen=True, slots=True)
class Later:
    """A documented option that is not served yet: a form that asks for it is answered `not_implemented`.

    Asked for means: present, not an empty list or object, and not one of `served`.
    """

    path: str
    """Wire names with dots; a list on the way is walked: `advancedFilter.operator`."""
    served: tuple[Any, ...] = (False,)
    """Values that are served: those that ask for nothing, or those that are built already."""
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """`path`, taken apart once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.path.split(".")))


@dataclass(frozen=True, slots=True)
class Need:
    """What a form must hold beyond its required fields; where nothing of it is there, the first is named."""

    any_of: tuple[str, ...]
    """Wire paths, one of which must be present."""
    when: tuple[str, str] | None = None
    """Only where this field has this value: `("connection", "PASSWORD")`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: everything that crosses the wire about it, and nothing about how it is done."""

    name: str
    """`verify_update_phone_request`: the SDK's method, the action and the test story are called the same."""
    method: Literal["GET", "POST"]
    path: str
    who: Who
    summary: str
    """One line, an imperative: 'Prove the new phone number and receive a one-time token.'"""
    group: str
    """The menu it stands in: 'User profile', 'Register and login', 'Messages', 'Tokens', 'Management' …"""
    request: type[msgspec.Struct] | None = None
    """Body of a POST, query of a GET. None: nothing is read."""
    data: Any = None
    """What stands in `data` (API) or the whole answer (OAUTH, BARE): a Struct, or `list[Struct]`. None: no data."""
    kind: Kind = Kind.API
    own_errors: tuple[Key, ...] = ()
    """Refusals beyond the common ones of its `who`, in the order they are judged."""
    description: str = ""
    """A paragraph in our own words: what it does, what must come before it, units."""
    aliases: tuple[str, ...] = field(default=())
    """Other paths under which it answers alike."""
    other_methods: tuple[Literal["GET", "POST"], ...] = ()
    """Other methods under which it answers alike: OpenID Connect Core §5.3.1 wants GET and POST."""
    needs: tuple[Need, ...] = ()
    """Judged after `later`, in this order."""
    later: tuple[Later, ...] = ()
    """Documented options that are built later, in the order they are named."""

    @property
    def struct(self) -> type[msgspec.Struct] | None:
        """`data`, or what a list of it is made of."""
        found: type[msgspec.Struct] | None = get_args(self.data)[0] if self.is_list else self.data
        return found

    @property
    def is_list(self) -> bool:
        """Whether it answers with a list."""
        return get_origin(self.data) is list

    @property
    def methods(self) -> tuple[Literal["GET", "POST"], ...]:
        """All methods it answers."""
        return (self.method, *self.other_methods)
