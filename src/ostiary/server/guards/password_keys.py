"""Passwords that a client encrypted on its way here: the installation's RSA and SM2 keys, and opening with them.

1. What does not open looks exactly like a wrong password: the caller goes on with None where the text would stand.
2. RSA is PKCS#1 v1.5, because that is what the incumbent's clients do. OpenSSL (3.2 and later) rejects a wrong
   padding implicitly: it gives back text made of the key and the ciphertext, so right and wrong padding are not told
   apart by answer or time. A key is only used where a look at this very OpenSSL shows that it does (ADR 0013).
3. Clients keep a public key for long. A new one is shown `SHOWN_FIRST` after it was made, when every process has it,
   and the one before it goes on opening. Both are always tried, so the work tells nothing either.

Opening costs 1 ms (RSA) or 7 ms (SM2): it runs in the passwords' thread pool, under the same end of the queue.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from ostiary.server.core import sm2
from ostiary.server.core.credentials import may_be_password
from ostiary.server.core.log import log
from ostiary.server.core.millis import MINUTE, SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.guards import sealing
from ostiary.server.guards.passwords import Passwords
from ostiary.server.storage import password_keys
from ostiary.server.storage.db import Store
from ostiary.server.storage.password_keys import PasswordKeyRow
from ostiary.server.storage.tx import Tx

Kind = Literal["rsa", "sm2"]
KINDS: Final[tuple[Kind, ...]] = ("rsa", "sm2")

RSA_BITS = 2_048
"""The incumbent's keys have 1 024; its clients take any length (ADR 0013)."""
SHOWN_FIRST = 10 * SECOND
"""How long a new key is known to every process before clients are shown it."""
_TRIED = 2
"""The newest keys of a kind that are tried: the one that is shown, and the one before it."""
_HEX = re.compile(r"[0-9a-fA-F]*")


class PasswordKeys:
    """Makes the keys, shows their public halves, opens with their private ones. One per process."""

    def __init__(self, store: Store, ports: Ports, passwords: Passwords) -> None:
        self._store = store
        self._ports = ports
        self._passwords = passwords
        self._rows: dict[Kind, list[PasswordKeyRow]] = {}
        self._openers: dict[tuple[str, int], Callable[[bytes], bytes | None]] = {}
        self._making = asyncio.Lock()
        self._looked_at = 0

    async def open(self, text: str, kind: str | None) -> str | Refused | None:
        """The password of a form's text: as it stands where `kind` says `none` or nothing.

        None: it does not open, and the caller goes on as with a wrong password. Refused: `unavailable`.
        """
        if kind not in KINDS:
            return text
        sealed = _ciphertext(text, kind)
        if sealed is None:
            return None
        rows = (await self._known())[kind][-_TRIED:]
        opened = await self._passwords.run(lambda: [self._opener(row)(sealed) for row in reversed(rows)])
        return opened if isinstance(opened, Refused) else _best(opened, kind)

    async def public(self, kind: Kind) -> str:
        """The key that clients are to encrypt with; the first one is made when it is first asked for."""
        if self._ports.clock.undisturbed() - self._looked_at > MINUTE:
            await self.refresh()
        rows = (await self._known())[kind]
        seen = self._ports.now() - SHOWN_FIRST
        return next((row.public for row in reversed(rows) if row.made_at <= seen), rows[0].public)

    async def refresh(self) -> None:
        """Look at all keys: rotated ones are learnt, those that were taken away open nothing from now on."""
        self._learn(await self._store.read(password_keys.every))

    async def _known(self) -> dict[Kind, list[PasswordKeyRow]]:
        """All keys, one of each kind at least."""
        if not all(self._rows.get(kind) for kind in KINDS):
            async with self._making:  # a start's first hundred sign-ins make one pair of keys, not a hundred
                await self.refresh()
                for kind in KINDS:
                    if not self._rows[kind]:
                        await self._make_first(kind)
        return self._rows

    async def _make_first(self, kind: Kind) -> None:
        made = await asyncio.to_thread(new_key, self._ports, kind, 1)

        def step(tx: Tx) -> list[PasswordKeyRow]:
            password_keys.insert(tx, made)  # another process may have been faster: then its key is the one
            return password_keys.every(tx)

        self._learn(await self._store.write(step))

    def _learn(self, rows: Sequence[PasswordKeyRow]) -> None:
        self._rows = {kind: [row for row in rows if row.kind == kind] for kind in KINDS}
        kept = {(row.kind, row.number) for row in rows}
        self._openers = {key: opener for key, opener in self._openers.items() if key in kept}
        self._looked_at = self._ports.clock.undisturbed()

    def _opener(self, row: PasswordKeyRow) -> Callable[[bytes], bytes | None]:
        """How one key opens, its private half parsed when first needed. In a thread."""
        known = self._openers.get((row.kind, row.number))
        if known is None:
            known = self._openers[row.kind, row.number] = _opener(self._ports, row)
        return known


def new_key(ports: Ports, kind: Kind, number: int) -> PasswordKeyRow:
    """Make a key: a tenth of a second, so in a thread and outside of transactions."""
    if kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    else:
        # 64 bits more than the order has: the remainder is then even to one in 2^64 (FIPS 186-5 §A.2.1).
        secret = int.from_bytes(ports.random_bytes(40), "big") % (sm2.N - 2) + 1
        private = secret.to_bytes(32, "big")
        public = sm2.public_key(secret, ports.random_bytes(sm2.BLINDING_BYTES))
    return PasswordKeyRow(kind, number, seal(ports, kind, number, private), public, ports.now())


def seal(ports: Ports, kind: str, number: int, private: bytes) -> bytes:
    """A private half as it is stored."""
    return sealing.seal(ports, private, "password key", kind, str(number))


def unseal(ports: Ports, row: PasswordKeyRow) -> bytes:
    """The private half. Raises `UnsealError`."""
    return sealing.unseal(ports, row.sealed, "password key", row.kind, str(row.number))


def _opener(ports: Ports, row: PasswordKeyRow) -> Callable[[bytes], bytes | None]:
    private = unseal(ports, row)
    if row.kind == "sm2":
        number = int.from_bytes(private, "big")
        return lambda sealed: sm2.decrypt(number, sealed, ports.random_bytes(sm2.BLINDING_BYTES))
    key = load_der_private_key(private, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    if not rejects_implicitly(key):
        log.error(
            "rsa_passwords_off", why="this OpenSSL tells wrong PKCS#1 v1.5 padding apart: 3.2 is needed"
        )
        return lambda _sealed: None
    return lambda sealed: _open_rsa(key, sealed)


def rejects_implicitly(key: rsa.RSAPrivateKey) -> bool:
    """Whether this OpenSSL hides a wrong padding: the ciphertext 1 stands for the plaintext 1, which has none."""
    return _open_rsa(key, (1).to_bytes(key.key_size // 8, "big")) is not None


def _open_rsa(key: rsa.RSAPrivateKey, sealed: bytes) -> bytes | None:
    try:
        return key.decrypt(sealed, padding.PKCS1v15())
    except ValueError:  # its length or size, which is no secret; on an old OpenSSL, its padding
        return None


def _ciphertext(text: str, kind: str) -> bytes | None:
    """The bytes that were sent: base64 (rsa), hex digits (sm2)."""
    try:
        if kind == "rsa":
            return base64.b64decode(text, validate=True)
        return bytes.fromhex(text) if _HEX.fullmatch(text) else None
    except (binascii.Error, ValueError):
        return None


def _best(opened: Sequence[bytes | None], kind: str) -> str | None:
    """The longest that reads as a password. A wrong RSA key opens to noise; long noise is no text, or has controls."""
    texts = [_text(plain, kind) for plain in opened if plain is not None]
    return max((text for text in texts if text), key=len, default=None)


def _text(plain: bytes, kind: str) -> str | None:
    """The password in what was opened; with SM2 it stands in base64, as clients write it."""
    try:
        text = (base64.b64decode(plain, validate=True) if kind == "sm2" else plain).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if may_be_password(text) else None
