"""The digits of a code, made anew each time they are needed: at sending and at comparing. Nothing at rest tells them.

HMAC-SHA-256(key, seed ‖ pool ‖ channel ‖ number ‖ user), reduced without bias to the code's length:
blocks of 64 bit are drawn from the MAC (and its continuation) and those beyond the largest multiple of 10^length
are thrown away (rejection sampling; NIST SP 800-90A §A.5.1).
"""

from ostiary.server.core.codes import Code
from ostiary.server.core.keyring import KeyRing

SEED_BYTES = 16
_BLOCK = 8


def digits(
    ring: KeyRing, seed: bytes, key_id: str, pool_id: str, channel: str, target: str, owner: str, length: int
) -> str | None:
    """The code's digits (leading zeros kept), or None where its key is gone: the row is then expired."""
    key = ring.get(key_id)
    if key is None:
        return None
    space = 10**length
    fair = (1 << 8 * _BLOCK) // space * space
    turn = 0
    while True:
        mac = key.mac(seed, pool_id, channel, target, owner, turn.to_bytes(4, "big"))
        for start in range(0, len(mac), _BLOCK):
            value = int.from_bytes(mac[start : start + _BLOCK], "big")
            if value < fair:
                return f"{value % space:0{length}d}"
        turn += 1


def of_code(ring: KeyRing, code: Code) -> str | None:
    """The digits of a stored code."""
    return digits(
        ring,
        code.seed,
        code.key_id,
        code.pool_id,
        code.channel,
        code.target,
        code.owner,
        code.length,
    )
