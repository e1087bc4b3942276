"""A mail server for tests: a real one (aiosmtpd) in a thread, with TLS and AUTH, which answers as told."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USERNAME, PASSWORD = "ostiary", "the relay's password"
OK = "250 taken"


@dataclass(frozen=True)
class Arrived:
    """One message as it came."""

    sender: str
    to: list[str]
    letter: EmailMessage
    raw: bytes
    tls: bool
    login: str | None
    options: list[str]

    @property
    def text(self) -> str:
        return self.part("plain")

    @property
    def html(self) -> str:
        return self.part("html")

    def part(self, subtype: str) -> str:
        body = self.letter.get_body((subtype,))
        assert body is not None
        found: str = body.get_content()
        return found


@dataclass
class MailServer:
    """What arrived, and how the next commands are answered (the last one for good)."""

    port: int = 0
    arrived: list[Arrived] = field(default_factory=list)
    at_rcpt: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    connections: int = 0
    hang: threading.Event = field(default_factory=threading.Event)
    """Once set, no message is answered any more."""
    sessions: list[Any] = field(default_factory=list)

    async def handle_EHLO(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        if session not in self.sessions:
            self.sessions.append(session)
            self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        said = _next(self.at_rcpt)
        if said == OK:
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.hang.is_set():
            await asyncio.sleep(3_600)
        said = _next(self.at_data)
        if said == OK:
            raw = envelope.original_content or b""
            known: Any = session.auth_data
            login = known.login.decode() if known else None
            self.arrived.append(
                Arrived(
                    sender=envelope.mail_from or "",
                    to=list(envelope.rcpt_tos),
                    letter=message_from_bytes(raw, policy=default),
                    raw=raw,
                    tls=_has_tls(server, session),
                    login=login,
                    options=list(envelope.mail_options),
                )
            )
        return said


def _has_tls(server: SMTP, session: Session) -> bool:
    return session.ssl is not None or bool(server.transport and server.transport.get_extra_info("sslcontext"))


def _next(answers: list[str]) -> str:
    return answers.pop(0) if len(answers) > 1 else (answers or [OK])[0]


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    right = given == LoginPassword(USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False, auth_data=given if right else None)


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None,
    kind: Literal["implicit", "starttls", "none"] = "starttls",
    *,
    login: bool = False,
    utf8: bool = True,
) -> Iterator[MailServer]:
    """One on loopback. Without `tls`: in the clear, and no STARTTLS is offered."""
    made = MailServer()
    settings: dict[str, Any] = {"enable_SMTPUTF8": utf8, "timeout": 60}
    if login:
        settings |= {
            "authenticator": _authenticate,
            "auth_required": True,
            "auth_require_tls": tls is not None,
        }
    if tls is not None and kind == "starttls":
        settings |= {"tls_context": tls, "require_starttls": True}
    if tls is not None and kind == "implicit":
        settings |= {"ssl_context": tls}
        if login:
            settings["auth_require_tls"] = False  # it looks for STARTTLS only
    controller = Controller(made, hostname="127.0.0.1", port=0, **settings)
    controller.port = _free_port()
    controller.start()
    made.port = controller.port
    try:
        yield made
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
