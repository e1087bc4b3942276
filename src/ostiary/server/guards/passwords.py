"""Passwords: argon2id (RFC 9106) in a thread pool of its own, with an end to its queue.

19 MiB, two passes, one lane is OWASP's floor for argon2id and ours: weaker settings are refused at start.
Each check costs some 20 ms of a core, so what waits is bounded: beyond that the answer is 503, at once,
instead of a queue nobody's client waits for.

A password is hashed in NFKC, so that it is the same one on every keyboard (NIST SP 800-63B-4 §3.1.1.2). A hash that
came from elsewhere may be of the text as it was typed: where that is another one, it is checked second.
"""

import asyncio
import base64
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from ostiary.contract.keys import Key
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused

FLOOR_MEMORY_KIB = 19_456
FLOOR_PASSES = 2
FLOOR_LANES = 1
_SALT_BYTES = 16
_HASH_BYTES = 32

T = TypeVar("T")


class Passwords:
    """Hashes and checks passwords without holding up the event loop."""

    def __init__(
        self,
        *,
        memory_kib: int = FLOOR_MEMORY_KIB,
        passes: int = FLOOR_PASSES,
        lanes: int = FLOOR_LANES,
        threads: int = 2,
        queue: int = 64,
    ) -> None:
        if memory_kib < FLOOR_MEMORY_KIB or passes < FLOOR_PASSES or lanes < FLOOR_LANES:
            raise ValueError(
                f"argon2id needs at least {FLOOR_MEMORY_KIB} KiB, {FLOOR_PASSES} passes, {FLOOR_LANES} lane"
            )
        self._hasher = argon2.PasswordHasher(
            time_cost=passes,
            memory_cost=memory_kib,
            parallelism=lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=argon2.Type.ID,
        )
        self._nobody = self._hash_of_nothing(memory_kib, passes, lanes)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._most = threads + queue
        self._under_way = 0

    async def hash(self, password: str) -> str | Refused:
        """The string to store. Refused (`unavailable`): too many are waiting."""
        return await self.run(lambda: self.hash_now(password))

    async def verify(self, stored: str | None, password: str) -> bool | Refused:
        """Whether this is the password. None (no such user, none set): the same work, then False."""
        return await self.run(lambda: self._check(stored, password))

    def hash_now(self, password: str) -> str:
        """The same as `hash`, in the caller's thread: for the command line and first starts."""
        text = unicodedata.normalize("NFKC", password)
        return self._hasher.hash(text, salt=Ports.random_bytes(_SALT_BYTES))

    def needs_rehash(self, stored: str) -> bool:
        """Whether it was made with other settings than today's: after a right check, store it anew."""
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """Let the threads end; what is waiting is dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def run(self, work: Callable[[], T]) -> T | Refused:
        """Other work of the same kind, in the same threads: opening what a client encrypted."""
        if self._under_way >= self._most:
            return Refused(Key.UNAVAILABLE, retry_after=1)
        self._under_way += 1
        done = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # Counted until the thread is through: a caller who hangs up does not free a thread.
        done.add_done_callback(self._finished)
        return await asyncio.shield(done)

    def _finished(self, done: "asyncio.Future[T]") -> None:
        self._under_way -= 1
        if not done.cancelled():
            done.exception()  # fetched, so that one nobody awaits any more is not reported as lost

    def _check(self, stored: str | None, password: str) -> bool:
        texts = dict.fromkeys((unicodedata.normalize("NFKC", password), password))
        matched = [self._matches(stored, text) for text in texts]  # all of them, whichever fits
        return any(matched)

    def _matches(self, stored: str | None, text: str) -> bool:
        try:
            self._hasher.verify(stored or self._nobody, text)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    @staticmethod
    def _hash_of_nothing(memory_kib: int, passes: int, lanes: int) -> str:
        """A well-formed hash that no known password has, made without the work of making one."""
        salt, digest = (_base64(Ports.random_bytes(count)) for count in (_SALT_BYTES, _HASH_BYTES))
        return f"$argon2id$v={ARGON2_VERSION}$m={memory_kib},t={passes},p={lanes}${salt}${digest}"


def _base64(raw: bytes) -> str:
    """Base64 without padding, as argon2's strings have it."""
    return base64.b64encode(raw).decode().rstrip("=")
