"""The file of the root keys: JSON, mode 600, one ring per purpose, the newest key first.

`{"codes": [{"id": …, "secret": base64url of 32 bytes, "madeAt": ms, "retiredAt": ms?, "waiting": true?}], …}`.
Whoever reads this file can make codes and tokens, so it is refused when others can, and when it is weak.
"""

import base64
import binascii
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
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


class NoKeysError(KeyFileError):
    """There is no file of keys."""


class _StoredKey(msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    id: str
    secret: str
    made_at: int
    retired_at: int | None = None
    waiting: bool = False


def make_key(now: Millis, *, waiting: bool = False) -> RootKey:
    """One new key."""
    return RootKey(Ports.object_id(), Ports.random_bytes(MIN_KEY_BYTES), now, waiting=waiting)


def make() -> RootKeys:
    """New keys for every purpose."""
    now = Clock().now()
    return RootKeys({purpose: KeyRing(purpose, (make_key(now),)) for purpose in PURPOSES})


def write(path: Path, keys: RootKeys) -> None:
    """Write a file that was not there, readable by us alone. Raises `KeyFileError` where there is one."""
    try:
        _put(path, keys)
    except FileExistsError as error:
        raise KeyFileError(f"{path} already exists: keys are never overwritten") from error
    except OSError as error:
        raise KeyFileError(f"{path} can't be written: {error.strerror}") from error


def replace(path: Path, keys: RootKeys) -> None:
    """Put other keys in the file's place, all at once, with its owner. The caller holds it (`held`)."""
    path = path.resolve()  # what a link leads to is replaced, not the link
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)  # left by one who was killed
        _put(fresh, keys)
        owner = path.stat()
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise KeyFileError(f"{path} can't be replaced: {error.strerror}") from error


def ring_for(path: Path) -> None:
    """Make every process that watches the file look at all keys now, those in the database too."""
    os.utime(path)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep others from rotating at the same time. Raises `KeyFileError` where somebody is at it."""
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KeyFileError(f"{path} can't be read: {error.strerror}") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise KeyFileError(f"{path} is being changed by another process") from error
    finally:
        os.close(folder)


def read(path: Path) -> RootKeys:
    """Read and judge the file. Raises `KeyFileError`."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read()
    except FileNotFoundError as error:
        raise NoKeysError(f"there are no keys at {path}: run `ostiary init` first") from error
    except PermissionError as error:
        raise KeyFileError(
            f"{path} can't be read: {error.strerror}; run it as the service's user, who must own the file"
        ) from error
    except OSError as error:
        raise KeyFileError(f"{path} can't be read: {error.strerror}") from error
    if mode & 0o077:
        raise KeyFileError(f"other users can read {path} (mode {mode:o}): chmod 600 {path}")
    try:
        stored = msgspec.json.decode(text, type=dict[str, list[_StoredKey]])
    except msgspec.DecodeError as error:
        raise KeyFileError(f"{path} is not a key file: {error}") from error
    if set(stored) != set(PURPOSES):
        odd = ", ".join(sorted(set(stored) ^ set(PURPOSES)))
        raise KeyFileError(f"{path}: missing or unknown key purposes: {odd}")
    keys = RootKeys({purpose: _ring(path, purpose, stored[purpose]) for purpose in PURPOSES})
    secrets = [key.secret for ring in keys.rings.values() for key in ring.keys]
    if len(secrets) != len(set(secrets)):
        raise KeyFileError(f"{path}: two keys have the same secret; each key needs its own")
    return keys


def _put(path: Path, keys: RootKeys) -> None:
    stored = {
        purpose: [
            _StoredKey(
                key.id,
                base64.urlsafe_b64encode(key.secret).decode(),
                key.made_at,
                key.retired_at,
                key.waiting,
            )
            for key in ring.keys
        ]
        for purpose, ring in keys.rings.items()
    }
    text = msgspec.json.format(msgspec.json.encode(stored), indent=2)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """A rename is durable once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ring(path: Path, purpose: str, stored: list[_StoredKey]) -> KeyRing:
    if sum(key.retired_at is None and not key.waiting for key in stored) != 1:
        raise KeyFileError(f"{path}: purpose {purpose} must have exactly one active key")
    return KeyRing(purpose, tuple(_key(path, purpose, key) for key in stored))


def _key(path: Path, purpose: str, stored: _StoredKey) -> RootKey:
    try:
        secret = base64.urlsafe_b64decode(stored.secret)
    except (binascii.Error, ValueError) as error:
        raise KeyFileError(f"{path}: key {stored.id} of {purpose} is not base64url") from error
    if len(secret) < MIN_KEY_BYTES:
        raise KeyFileError(f"{path}: key {stored.id} of {purpose} is shorter than {MIN_KEY_BYTES} bytes")
    if len(set(secret)) < _FEWEST_DIFFERENT_BYTES:
        raise KeyFileError(f"{path}: key {stored.id} of {purpose} is not random enough; generate a new one")
    retired = None if stored.retired_at is None else Millis(stored.retired_at)
    return RootKey(stored.id, secret, Millis(stored.made_at), retired, stored.waiting)
