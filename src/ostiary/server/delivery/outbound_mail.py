"""The way out for e-mail: an SMTP server of the operator's, by TLS, over connections that are used again.

1. The server's name is resolved once for a connection, and the connection goes to an address of that answer which
   may be gone to (`addresses`), as for HTTP. The certificate is verified against the name, never against the address.
2. STARTTLS that the server does not offer, or a certificate that is not its own, ends the attempt: nothing is sent in
   the clear, no password either. Without TLS only networks that the operator named are reached.
3. A connection serves one message at a time and is kept for the next ones. Where a kept one turns out to be dead before
   the server took the message, a new one is made; after that, whether it was taken is not known, and is not guessed.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib
from aiosmtplib import SMTP

from ostiary.server.core.address import Network
from ostiary.server.delivery.addresses import choose
from ostiary.server.delivery.outbound import CONNECT_SECONDS, READ_SECONDS, ForbiddenError, Resolve, resolve

CONNECTIONS = 8
"""At once to one server: providers count them."""
IDLE_CONNECTIONS = 4
IDLE_SECONDS = 30.0
USUAL_PORTS = {"implicit": 465, "starttls": 587, "none": 25}
_CREDENTIALS = frozenset({454, 530, 534, 535, 538})
"""RFC 4954 §6: what is wrong there is ours to mend, and says nothing about the message."""

Tls = Literal["implicit", "starttls", "none"]


class RelayError(Exception):
    """The server said no. `permanent`: it will never take this message (RFC 5321 §4.2.1, 5yz)."""

    def __init__(self, code: int, *, permanent: bool) -> None:
        super().__init__(
            f"SMTP {code}"
        )  # its words are not quoted: servers repeat in them what they were sent
        self.permanent = permanent


class _StaleError(Exception):
    """A kept connection was dead before the server heard of the message."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    tls: Tls
    hello: str
    """The name we give in EHLO."""
    username: str = ""
    password: str = field(default="", repr=False)


class Relay:
    """Hands messages to one server. Made inside the event loop that uses it."""

    def __init__(
        self,
        server: Server,
        named: Sequence[Network] = (),
        *,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._named = named
        self._resolve = resolver
        self._tls = tls or ssl.create_default_context()
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[tuple[SMTP, asyncio.TimerHandle]] = []

    def __repr__(self) -> str:
        return f"Relay({self._server.host}:{self._server.port})"

    async def hand_over(self, sender: str, to: str, message: bytes) -> None:
        """Give one message to the server. Raises RelayError, ForbiddenError; OSError where no whole answer came."""
        async with self._room:
            kept = self._take()
            if kept is not None:
                try:
                    await self._use(kept, sender, to, message, was_kept=True)
                except _StaleError:
                    pass
                else:
                    return
            await self._use(await self._connect(), sender, to, message, was_kept=False)

    async def close(self) -> None:
        """Let go of the connections that nobody uses."""
        while self._idle:
            client, timer = self._idle.pop()
            timer.cancel()
            client.close()

    async def _use(self, client: SMTP, sender: str, to: str, message: bytes, *, was_kept: bool) -> None:
        heard = False
        try:
            await self._envelope(client, sender, to)
            heard = True
            await client.data(message)
        except aiosmtplib.SMTPResponseException as error:
            if was_kept and not heard and error.code == 421:  # "closing": it was on its way out
                client.close()
                raise _StaleError from error
            await self._after_refusal(client)
            raise _judged(error) from error
        except aiosmtplib.SMTPServerDisconnected as error:
            client.close()
            if was_kept and not heard:
                raise _StaleError from error
            raise OSError(type(error).__name__) from error
        except aiosmtplib.SMTPException as error:
            client.close()
            raise OSError(type(error).__name__) from error
        except BaseException:  # cut off in the middle: nobody knows what this connection would answer next
            client.close()
            raise
        self._keep(client)

    @staticmethod
    async def _envelope(client: SMTP, sender: str, to: str) -> None:
        plain = sender.isascii() and to.isascii()
        if not plain and not client.supports_extension("smtputf8"):
            raise RelayError(553, permanent=True)  # RFC 6531 §3.5: what a server without it would say
        options = [] if plain else ["SMTPUTF8"]
        await client.mail(sender, options=options, encoding="ascii" if plain else "utf-8")
        await client.rcpt(to, encoding="ascii" if plain else "utf-8")

    async def _after_refusal(self, client: SMTP) -> None:
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            client.close()
        else:
            self._keep(client)

    async def _connect(self) -> SMTP:
        server = self._server
        client = SMTP(
            hostname=server.host,
            sock=await self._socket(),
            local_hostname=server.hello,
            timeout=READ_SECONDS,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=self._tls,
            username=server.username or None,
            password=server.password if server.username else None,
        )
        try:
            await client.connect()
            if not client.is_ehlo_or_helo_needed:
                return client
            await client.ehlo()
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            raise RelayError(error.code, permanent=False) from error
        except aiosmtplib.SMTPException as error:
            client.close()
            raise OSError(_reason(error)) from error
        except BaseException:
            client.close()
            raise
        return client

    async def _socket(self) -> socket.socket:
        """A connection to the first address of the server's name that may be gone to and answers."""
        server = self._server
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await self._resolve(server.host, server.port)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise OSError(f"{server.host} can't be resolved") from error
        chosen = choose(found, self._named, only_named=server.tls == "none")
        if not chosen:
            plain = " without TLS" if server.tls == "none" else ""
            raise ForbiddenError(f"{server.host} leads to no address for us{plain}: see outbound_networks")
        for address in chosen[:-1]:
            try:
                return await _opened(address, server.port)
            except OSError:
                continue
        return await _opened(chosen[-1], server.port)

    def _take(self) -> SMTP | None:
        while self._idle:
            client, timer = self._idle.pop()
            timer.cancel()
            if client.is_connected:
                return client
        return None

    def _keep(self, client: SMTP) -> None:
        if not client.is_connected or len(self._idle) >= IDLE_CONNECTIONS:
            client.close()
            return
        timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._let_go, client)
        self._idle.append((client, timer))

    def _let_go(self, client: SMTP) -> None:
        self._idle = [(kept, timer) for kept, timer in self._idle if kept is not client]
        client.close()


async def _opened(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


def _judged(error: aiosmtplib.SMTPResponseException) -> RelayError:
    return RelayError(error.code, permanent=500 <= error.code < 600 and error.code not in _CREDENTIALS)


def _reason(error: aiosmtplib.SMTPException) -> str:
    """Its kind, and the kind of what was below it: a TLS error is worth telling from a closed door."""
    below = error.__cause__ or error.__context__
    return f"{type(error).__name__}: {type(below).__name__}" if below is not None else type(error).__name__
