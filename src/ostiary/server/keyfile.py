"""The file of the root keys: JSON, mode 600, one ring per purpose, the key that makes first.

`{"codes": [{"id": …, "secret": base64url of 32 bytes, "madeAt": ms, "retiredAt": ms?}], "tokens": …}`.
Whoever reads this file can make codes and tokens, so it is refused when others can, and when it is weak.
"""

import base64
import binascii
import os
import stat
from pathlib import Path

import msgspec

from ostiary.server.core.keyring import MIN_KEY_BYTES, PURPOSES, KeyRing, RootKey, RootKeys
from ostiary.server.core.millis import Millis
from ostiary.server.core.ports import Clock, Ports
from ostiary.server.settings import StartRefusedError

_FEWEST_DIFFERENT_BYTES = 12
"""32 random bytes have 30 different ones on average; fewer than 12 never happen by chance."""


class KeyFileError(StartRefusedError):
    """The keys can't be used; the message says why and what to do."""


class _StoredKey(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    id: str
    secret: str
    made_at: int
    retired_at: int | None = None


def make() -> RootKeys:
    """New keys for every purpose."""
    now = Clock().now()
    rings = {
        purpose: KeyRing(purpose, (RootKey(Ports.object_id(), Ports.random_bytes(MIN_KEY_BYTES), now),))
        for purpose in PURPOSES
    }
    return RootKeys(rings)


def write(path: Path, keys: RootKeys) -> None:
    """Write a file that was not there, readable by us alone. Raises `KeyFileError` where there is one."""
    stored = {
        purpose: [
            _StoredKey(key.id, base64.urlsafe_b64encode(key.secret).decode(), key.made_at, key.retired_at)
            for key in ring.keys
        ]
        for purpose, ring in keys.rings.items()
    }
    text = msgspec.json.format(msgspec.json.encode(stored), indent=2)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyFileError(f"{path} exists: keys are never overwritten") from error
    except OSError as error:
        raise KeyFileError(f"{path} can't be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> RootKeys:
    """Read and judge the file. Raises `KeyFileError`."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read()
    except FileNotFoundError as error:
        raise KeyFileError(f"there are no keys at {path}: run `ostiary init` first") from error
    except OSError as error:
        raise KeyFileError(f"{path} can't be read: {error.strerror}") from error
    if mode & 0o077:
        raise KeyFileError(f"{path} may be read by others (mode {mode:o}): chmod 600 {path}")
    try:
        stored = msgspec.json.decode(text, type=dict[str, list[_StoredKey]])
    except msgspec.DecodeError as error:
        raise KeyFileError(f"{path} is not a key file: {error}") from error
    if set(stored) != set(PURPOSES):
        odd = ", ".join(sorted(set(stored) ^ set(PURPOSES)))
        raise KeyFileError(f"{path}: a ring is missing or unknown: {odd}")
    keys = RootKeys({purpose: _ring(path, purpose, stored[purpose]) for purpose in PURPOSES})
    secrets = [key.secret for ring in keys.rings.values() for key in ring.keys]
    if len(secrets) != len(set(secrets)):
        raise KeyFileError(f"{path}: one secret stands twice; every key has its own")
    return keys


def _ring(path: Path, purpose: str, stored: list[_StoredKey]) -> KeyRing:
    if not stored or stored[0].retired_at is not None:
        raise KeyFileError(f"{path}: the ring {purpose} has no key that makes new things")
    return KeyRing(purpose, tuple(_key(path, purpose, key) for key in stored))


def _key(path: Path, purpose: str, stored: _StoredKey) -> RootKey:
    try:
        secret = base64.urlsafe_b64decode(stored.secret)
    except (binascii.Error, ValueError) as error:
        raise KeyFileError(f"{path}: key {stored.id} of {purpose} is not base64url") from error
    if len(secret) < MIN_KEY_BYTES:
        raise KeyFileError(f"{path}: key {stored.id} of {purpose} is shorter than {MIN_KEY_BYTES} bytes")
    if len(set(secret)) < _FEWEST_DIFFERENT_BYTES:
        raise KeyFileError(f"{path}: key {stored.id} of {purpose} was not made by chance")
    retired = None if stored.retired_at is None else Millis(stored.retired_at)
    return RootKey(stored.id, secret, Millis(stored.made_at), retired)
