"""Which websites' scripts may call: the pool's `allowedOrigins`, off by default, kept for five seconds.

No credentials are allowed, ever: tokens travel in headers that a script sets, so there is no cookie to ride on.
A preflight names neither pool nor app and is answered for the union; the answer itself only for its pool.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.storage import pools
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import UnavailableError
from ostiary.server.web.answers import Answer, Request

_KEEP = 5 * SECOND

_REQUEST_HEADERS = ", ".join(
    [
        "authorization",
        "content-type",
        *(
            f"x-{family}-{name}"
            for family in ("genauth", "authing")
            for name in (
                "app-id",
                "userpool-id",
                "lang",
                "sdk-version",
                "request-from",
                "app-tenant-id",
                "tenant-id",
                "device-id",
            )
        ),
    ]
).encode()


_SHOWN_HEADERS = b"x-request-id, retry-after, x-genauth-captcha-token"
"""Of an answer, beside what scripts may always read: the last one is of `GET /captcha-code`."""


class Origins:
    """The allowed origins of every pool, read again when they are older than five seconds."""

    def __init__(self, store: Store, ports: Ports) -> None:
        self._store = store
        self._ports = ports
        self._of_pool: Mapping[str, frozenset[str]] = {}
        self._read_at = -_KEEP

    async def headers(self, request: Request, pool_id: str | None) -> list[tuple[bytes, bytes]]:
        """What lets the script of an allowed website read this answer; nothing for any other."""
        origin = request.headers.get(b"origin")
        if origin is None or not await self._allows(origin, pool_id):
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _SHOWN_HEADERS),
            (b"vary", b"origin"),
        ]

    async def preflight(self, request: Request, methods: Iterable[str]) -> Answer | None:
        """The answer to a preflight (Fetch §3.2.2) of a website that some pool allows, else None."""
        origin = request.headers.get(b"origin", b"")
        if not await self._allows(origin, None):
            return None
        headers = [
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", b"600"),
        ]
        return Answer(b"", 204, headers=headers, key="preflight")

    async def _allows(self, origin: bytes, pool_id: str | None) -> bool:
        now = self._ports.clock.undisturbed()
        if now - self._read_at >= _KEEP:
            self._read_at = now
            with suppress(UnavailableError):  # then what was known before goes on
                self._of_pool = await self._store.read(pools.allowed_origins)
        text = origin.decode("latin-1")
        if pool_id is not None:
            return text in self._of_pool.get(pool_id, ())
        return any(text in allowed for allowed in self._of_pool.values())
