"""Codes of authenticator apps (RFC 6238: SHA-1, six digits, thirty seconds) and the recovery code beside them.

A code belongs to a time step. The step of the last code that was accepted is kept, and only later ones are good: so
each code is good once, and none that was seen before it is good after it.
"""

import base64

import pyotp

from ostiary.server.core import macs
from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Ports

STEP = 30 * SECOND
DRIFT = 1
"""Steps that an authenticator's clock may be ahead or behind (RFC 6238 §5.2)."""
DIGITS = 6

_SECRET_BYTES = 20  # RFC 4226 §4, R6
_RECOVERY_BYTES = 12
_GROUP = 4


def new_secret(ports: Ports) -> bytes:
    """160 random bits."""
    return ports.random_bytes(_SECRET_BYTES)


def uri(secret: bytes, issuer: str, name: str) -> str:
    """What the QR code says: `otpauth://totp/Issuer:name?secret=…&issuer=…`."""
    return pyotp.TOTP(_base32(secret)).provisioning_uri(name=name, issuer_name=issuer)


def qr_data_url(link: str) -> str:
    """The link as a picture. Some milliseconds of work: outside of steps."""
    import segno  # here: no start waits for what is asked for now and then

    return segno.make(link, error="m", micro=False).png_data_uri(scale=5)


def code_at(secret: bytes, step: int) -> str:
    """The code of one time step."""
    return pyotp.HOTP(_base32(secret), digits=DIGITS).at(step)


def step_at(now: int) -> int:
    """The time step of a moment."""
    return now // STEP


def matching_step(secret: bytes, typed: str, now: int, last_step: int) -> int | None:
    """The time step whose code this is, or None: wrong, too far off, or not later than the last one accepted."""
    current = step_at(now)
    near = range(current - DRIFT, current + DRIFT + 1)
    right = [
        step for step in near if Ports.same(code_at(secret, step), typed)
    ]  # all three are always compared
    return next((step for step in right if step > last_step), None)


def new_recovery_code(ports: Ports) -> str:
    """96 random bits as people write them down: six groups of four hex digits."""
    digits = ports.random_bytes(_RECOVERY_BYTES).hex()
    return "-".join(digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP))


def recovery_mac(secret: bytes, user_id: str, digits: str) -> bytes:
    """What is kept of a recovery code. Its key is the authenticator's secret, which is sealed, and goes with it."""
    return macs.mac(secret, "recovery code", user_id, digits)


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode()
