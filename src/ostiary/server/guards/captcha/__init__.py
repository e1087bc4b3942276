"""A captcha: a picture for people, and a sealed token that holds its answer. Nothing is stored until it is answered.

An answer uses the token up, right or wrong: a picture is guessed at once. What is stored is one mark for each answer,
for as long as the token would have lived.
"""

import base64
import binascii
from dataclasses import dataclass, field

import msgspec

from ostiary.server.core.millis import MINUTE
from ostiary.server.core.ports import Ports
from ostiary.server.guards import sealing
from ostiary.server.guards.captcha import drawing
from ostiary.server.guards.sealing import UnsealError
from ostiary.server.storage import failures
from ostiary.server.storage.tx import Tx

LIFE = 5 * MINUTE
LONGEST = 6
"""Signs; a longer one only annoys people."""
_SHORTEST_SEALED = 30


@dataclass(frozen=True, slots=True)
class Captcha:
    """What a program shows, and what it sends back with the answer."""

    svg: str
    token: str = field(repr=False)


class _Held(msgspec.Struct, frozen=True, array_like=True):
    id: str
    answer: str
    ends_at: int


_read = msgspec.json.Decoder(_Held)


def new(ports: Ports, pool_id: str, length: int) -> Captcha:
    """A captcha of `length` characters."""
    length = min(length, LONGEST)
    answer = "".join(_character(ports) for _ in range(length))
    held = _Held(ports.secret(count=12), answer, ports.now() + LIFE)
    sealed = sealing.seal(ports, msgspec.json.encode(held), "captcha", pool_id)
    svg = drawing.draw(answer, ports.random_bytes(drawing.chance_needed(length)))
    return Captcha(svg, base64.urlsafe_b64encode(sealed).decode().rstrip("="))


def spend(tx: Tx, ports: Ports, pool_id: str, token: str | None, typed: str | None) -> bool:
    """Whether the answer is right: without regard to case, of this pool's captcha, the first one, in time."""
    held = _opened(ports, pool_id, token or "")
    if held is None or not typed or ports.now() >= held.ends_at:
        return False
    first = failures.use_captcha(tx, held.id, held.ends_at)
    return ports.same(held.answer, typed.strip().upper()) and first


def _character(ports: Ports) -> str:
    """One character, each equally likely: what does not fit evenly into a byte is thrown away."""
    fair = 256 // len(drawing.ALPHABET) * len(drawing.ALPHABET)
    while True:
        (byte,) = ports.random_bytes(1)
        if byte < fair:
            return drawing.ALPHABET[byte % len(drawing.ALPHABET)]


def _opened(ports: Ports, pool_id: str, token: str) -> _Held | None:
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        if len(sealed) < _SHORTEST_SEALED:
            return None
        return _read.decode(sealing.unseal(ports, sealed, "captcha", pool_id))
    except (binascii.Error, ValueError, UnsealError, msgspec.DecodeError):
        return None
