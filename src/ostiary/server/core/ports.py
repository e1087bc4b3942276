"""Time, chance and keys: the only doors to the world that is not decided by rules.

Everything else receives a `Ports`. A house test forbids clocks and randomness anywhere else.
"""

import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass, field

from ostiary.server.core.keyring import KeyRing, RootKeys
from ostiary.server.core.millis import Millis


class Clock:
    """One clock: the wall clock at start, carried on by the boot-time clock, plus the dev offset.

    A wall clock that is set back while we run moves nothing here; readiness compares with the database.
    CLOCK_BOOTTIME goes on while a machine sleeps, so a suspended server does not make codes live longer.
    """

    def __init__(self, offset: int = 0) -> None:
        self._wall_at_boot = time.time_ns() // 1_000_000 - _since_boot()
        self.offset = offset
        """Milliseconds the dev clock was moved on; 0 outside dev mode."""

    def now(self) -> Millis:
        """Milliseconds since 1970, UTC."""
        return Millis(self._wall_at_boot + _since_boot() + self.offset)

    def undisturbed(self) -> Millis:
        """The same without the dev offset, which is compared with the database's clock."""
        return Millis(self._wall_at_boot + _since_boot())


def _since_boot() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


@dataclass(slots=True)
class Ports:
    """What a step may ask of the world. Tests pass their own clock; nothing else is ever replaced."""

    keys: RootKeys
    clock: Clock = field(default_factory=Clock)

    def now(self) -> Millis:
        """The moment at which a thing is judged."""
        return self.clock.now()

    @staticmethod
    def random_bytes(count: int) -> bytes:
        """`count` bytes of the operating system's generator."""
        return os.urandom(count)

    @staticmethod
    def secret(prefix: str = "", count: int = 32) -> str:
        """A URL-safe secret of `count` random bytes (256 bit unless told otherwise), after `prefix`."""
        return prefix + secrets.token_urlsafe(count)

    @staticmethod
    def object_id() -> str:
        """A sortable id of 24 hex digits: 8 of time (seconds), 16 of chance. The wire's `userId` shape."""
        return f"{time.time_ns() // 1_000_000_000:08x}{secrets.token_hex(8)}"

    @staticmethod
    def request_id() -> str:
        """A UUID (RFC 9562 §5.4) for `requestId`. Not a secret."""
        text = os.urandom(15).hex()  # the version and the variant are the other two digits
        return f"{text[:8]}-{text[8:12]}-4{text[12:15]}-a{text[15:18]}-{text[18:]}"

    @staticmethod
    def sha256(text: str) -> str:
        """Plain SHA-256, hex: enough for secrets of 256 random bits, never for anything guessable."""
        return hashlib.sha256(text.encode()).hexdigest()

    @staticmethod
    def digest(secret: str) -> bytes:
        """SHA-256 of a text of high entropy, to know it again without keeping it."""
        return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()

    @staticmethod
    def same(left: str | bytes, right: str | bytes) -> bool:
        """Whether two secrets are equal, in time that does not depend on where they differ."""
        a = left.encode() if isinstance(left, str) else left
        b = right.encode() if isinstance(right, str) else right
        return hmac.compare_digest(a, b)

    def ring(self, purpose: str) -> KeyRing:
        """The root keys of one purpose (`codes`, `tokens`, `seal`, `audit`)."""
        return self.keys.rings[purpose]
