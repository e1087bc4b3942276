"""Root keys: one ring per purpose, in a file of mode 600 (or behind `*_FILE`), never in the database.

One key of a ring makes new things. A new one waits first, until every process has read it: what one process makes
with it, the others must be able to read. Keys that stopped making stay as long as what they made may live.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ostiary.server.core.macs import Begun
from ostiary.server.core.millis import MINUTE, Millis

PURPOSES = ("codes", "tokens", "seal", "audit")
"""codes: seeds → digits · tokens: MACs of one-time tokens · seal: signing keys and app secrets · audit: MACs."""

KEEP_AFTER_RETIREMENT = 15 * MINUTE
"""How long keys of codes and one-time tokens outlive their retirement (phone-change.md §4)."""

KNOWN_FIRST = 5.0
"""Seconds between making a root key known and using it; processes look at the file every second."""

MIN_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class RootKey:
    """One key: its id, 32 bytes or more, when it was made, when it stopped making (None: it makes, or waits)."""

    id: str
    secret: bytes
    made_at: Millis
    retired_at: Millis | None = None
    waiting: bool = False
    """Known to everybody who reads the file, and not used to make anything yet."""
    _begun: Begun = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_begun", Begun(self.secret))

    def mac(self, *parts: str | bytes) -> bytes:
        """HMAC-SHA-256 over length-prefixed parts, so that no two lists of parts collide."""
        return self._begun.mac(parts)

    def __repr__(self) -> str:
        return f"RootKey(id={self.id!r})"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one purpose, newest first. The first that neither waits nor retired makes."""

    purpose: str
    keys: tuple[RootKey, ...]

    @property
    def current(self) -> RootKey:
        """The key that makes. `keyfile` refuses a ring without one."""
        for key in self.keys:
            if key.retired_at is None and not key.waiting:
                return key
        raise LookupError(f"No key of {self.purpose} makes")

    def get(self, key_id: str) -> RootKey | None:
        """The key a row names, or None: the row is then expired."""
        for key in self.keys:
            if key.id == key_id:
                return key
        return None


@dataclass(frozen=True, slots=True)
class RootKeys:
    """All rings. Reading and writing the file is `ostiary.server.keyfile`'s work."""

    rings: Mapping[str, KeyRing]

    def ring(self, purpose: str) -> KeyRing:
        """The ring of one purpose; every purpose has one, or the file was refused."""
        return self.rings[purpose]
