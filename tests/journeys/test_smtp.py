"""E-mail by SMTP, against a real server: what arrives, over what, as whom, and what its answers mean."""

import asyncio
import ssl
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ostiary.server.core.address import networks
from ostiary.server.core.credentials import read_email
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.gateway import check, gateway, media
from ostiary.server.delivery.messages import Rendered
from ostiary.server.delivery.outbound_mail import Relay, Server
from ostiary.server.delivery.providers.smtp import SmtpSender
from ostiary.server.delivery.routes import PermanentError, TransientError
from ostiary.server.settings import Settings, SettingsError
from tests.certificates import server_context
from tests.mail_server import PASSWORD, USERNAME, mail_server
from tests.service import LOGIN, start

LOOPBACK = networks(["127.0.0.0/8"])
PORTS = Ports(RootKeys({}))
FROM = "Ostiary 账户 <no-reply@example.com>"
CODE = Rendered(
    id="018f3a5c9e21a1b2c3d4e5f6",
    pool_id="pool-1",
    medium="email",
    to="li@example.org",
    purpose=LOGIN,
    lang="zh-CN",
    text="您的验证码：\n\n482913\n\n用于登录，5 分钟内有效。\n.\n一行只有句点也要完整到达。",
    subject="id.example.com 验证码：登录",
    html="<p>482913，用于登录</p>",
    code="482913",
    minutes=5,
)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def tls(tmp_path):
    """A server's TLS, and a client's that trusts it."""
    server, certificate = server_context(tmp_path / "tls", "localhost", "127.0.0.1")
    return server, ssl.create_default_context(cafile=certificate)


async def loopback(_host: str, _port: int):
    return ["127.0.0.1"]


def relay(port, client_tls=None, kind="starttls", *, host="localhost", named=LOOPBACK, **more):
    server = Server(host=host, port=port, tls=kind, hello="example.com", **more)
    return Relay(server, named, resolver=loopback, tls=client_tls)


async def sent(made: Relay, message: Rendered = CODE, sender: str = FROM) -> str:
    try:
        return await SmtpSender(made, PORTS, sender).send(message)
    finally:
        await made.close()


# ── what arrives ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
async def test_a_message_arrives_whole_in_text_and_html_over_verified_tls(tls, kind):
    with mail_server(tls[0], kind, login=kind == "starttls") as server:
        login = {"username": USERNAME, "password": PASSWORD} if kind == "starttls" else {}
        message_id = await sent(relay(server.port, tls[1], kind, **login))
    [one] = server.arrived
    assert one.tls
    assert one.login == login.get("username")
    assert (one.sender, one.to) == ("no-reply@example.com", ["li@example.org"])
    assert one.letter.get_content_type() == "multipart/alternative"
    assert one.text.replace("\r\n", "\n").rstrip() == CODE.text
    assert one.html.strip() == CODE.html
    assert one.letter["Subject"] == CODE.subject
    assert str(one.letter["From"]) == FROM
    assert one.letter["Message-ID"] == message_id == f"<{CODE.id}@example.com>"
    assert parsedate_to_datetime(one.letter["Date"]).utcoffset() is not None
    assert one.letter["Auto-Submitted"] == "auto-generated"
    assert one.raw.isascii(), "both languages go through servers that know seven bits only"


async def test_the_same_message_twice_has_the_same_id(tls):
    """After a crash of ours: whoever receives it can tell."""
    with mail_server(tls[0]) as server:
        made = relay(server.port, tls[1])
        sender = SmtpSender(made, PORTS, FROM)
        assert await sender.send(CODE) == await sender.send(CODE)
        await made.close()
    assert len({one.letter["Message-ID"] for one in server.arrived}) == 1


async def test_addresses_in_other_letters(tls):
    """What is stored is what is written to: a domain in ASCII, a local part as it is, where the server can take it."""
    with mail_server(tls[0]) as server:
        made = relay(server.port, tls[1])
        sender = SmtpSender(made, PORTS, FROM)
        for typed in ("li@例子.cn", "李@例子.cn", "li@straße.example"):
            await sender.send(replace(CODE, to=read_email(typed)))
        await made.close()
    stored = ["li@xn--fsqu00a.cn", "李@xn--fsqu00a.cn", "li@xn--strae-oqa.example"]
    assert [one.to for one in server.arrived] == [[to] for to in stored]
    assert ["SMTPUTF8" in one.options for one in server.arrived] == [False, True, False]
    with mail_server(tls[0], utf8=False) as plain, pytest.raises(PermanentError):
        await sent(relay(plain.port, tls[1]), replace(CODE, to="李@xn--fsqu00a.cn"))


async def test_the_operator_s_own_address_goes_in_ascii_too(tls):
    with mail_server(tls[0]) as server:
        message_id = await sent(relay(server.port, tls[1]), CODE, "账户 <No-Reply@straße.example>")
    assert server.arrived[0].sender == "No-Reply@xn--strae-oqa.example"
    assert message_id.endswith("@xn--strae-oqa.example>")


async def test_what_would_be_another_header_is_no_address(tls):
    with mail_server(tls[0]) as server:
        for to in ("a@example.org\r\nBcc: b@example.org", "a b@example.org"):
            with pytest.raises(PermanentError):
                await sent(relay(server.port, tls[1]), replace(CODE, to=to))
        with pytest.raises(PermanentError):
            await sent(relay(server.port, tls[1]), replace(CODE, subject="x\r\nBcc: b@example.org"))
    assert not server.arrived


# ── over what ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
async def test_a_certificate_of_somebody_else_ends_it_before_a_word_was_said(tls, kind, tmp_path):
    other = ssl.create_default_context(cafile=server_context(tmp_path / "other", "localhost")[1])
    with mail_server(tls[0], kind) as server:
        for client_tls, host in ((other, "localhost"), (tls[1], "mail.example.com")):
            with pytest.raises(OSError, match=r"SMTP|certificate"):
                await sent(relay(server.port, client_tls, kind, host=host))
    assert not server.arrived


async def test_without_starttls_neither_message_nor_password_goes_in_the_clear():
    with mail_server(None) as server:
        with pytest.raises(OSError, match="SMTPException"):
            await sent(relay(server.port, username=USERNAME, password=PASSWORD))
        assert not [session for session in server.sessions if session.auth_data]
    assert not server.arrived


async def test_in_the_clear_only_named_networks_are_reached():
    with mail_server(None) as server:
        await sent(relay(server.port, kind="none"))
        with pytest.raises(TransientError, match="outbound_networks"):
            await sent(relay(server.port, kind="none", named=()))
    assert [one.tls for one in server.arrived] == [False]


async def test_connections_are_used_again_and_made_anew_when_they_died(tls):
    with mail_server(tls[0]) as server:
        made = relay(server.port, tls[1])
        sender = SmtpSender(made, PORTS, FROM)
        for _ in range(5):
            await sender.send(CODE)
        one_after_the_other = server.connections
        kept, _ = made._idle[0]
        kept.transport.abort()
        await asyncio.sleep(0)
        await sender.send(CODE)
        after_a_break = server.connections
        await asyncio.gather(*(sender.send(CODE) for _ in range(30)))
        assert len(made._idle) <= 4
        await made.close()
    assert len(server.arrived) == 36
    assert after_a_break == 2 * one_after_the_other, "five messages by one connection, the sixth by another"
    assert server.connections < 36


# ── what answers mean ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("where", "said", "error"),
    [
        ("at_rcpt", "550 5.1.1 no such mailbox li@example.org", PermanentError),
        ("at_rcpt", "450 4.2.1 come back later", TransientError),
        ("at_data", "554 5.7.1 482913 looks like spam", PermanentError),
        ("at_data", "451 4.3.0 our disk is full", TransientError),
        ("at_rcpt", "530 5.7.0 who are you", TransientError),
    ],
)
async def test_a_no_for_good_and_a_no_for_now(tls, where, said, error):
    with mail_server(tls[0]) as server:
        getattr(server, where).append(said)
        made = relay(server.port, tls[1])
        sender = SmtpSender(made, PORTS, FROM)
        with pytest.raises(error) as refused:
            await sender.send(CODE)
        assert str(refused.value) == f"SMTP {said[:3]}", (
            "its words are not repeated: they quote what was sent"
        )
        getattr(server, where)[:] = ["250 taken"]
        await sender.send(CODE)
        await made.close()
    assert len(server.arrived) == 1, "the connection was good for the next one"


async def test_a_wrong_password_is_ours_to_mend(tls):
    with mail_server(tls[0], login=True) as server, pytest.raises(TransientError, match="SMTP 535"):
        await sent(relay(server.port, tls[1], username=USERNAME, password="wrong"))
    assert not server.arrived


async def test_a_silent_server_holds_nobody_for_ever_and_its_connection_is_not_used_again(tls):
    with mail_server(tls[0]) as server:
        server.hang.set()
        made = relay(server.port, tls[1])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await SmtpSender(made, PORTS, FROM).send(CODE)
        assert not made._idle
        await made.close()


async def test_nobody_at_the_door(tls):
    with mail_server(tls[0]) as server:
        port = server.port
    with pytest.raises(OSError, match=r".+"):
        await sent(relay(port, tls[1]))


# ── settings ────────────────────────────────────────────────────────────────────────────────

GOOD: dict[str, Any] = {"smtp_host": "mail.example.com", "smtp_from": FROM}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"smtp_host": "https://mail.example.com"}, "smtp_host"),
        ({"smtp_host": "mail.example.com:587"[:16] + "/x"}, "smtp_host"),
        ({"smtp_from": ""}, "smtp_from"),
        ({"smtp_from": "nobody"}, "smtp_from"),
        ({"smtp_username": "u"}, "smtp_password"),
        ({"smtp_password": "p"}, "smtp_username"),
        ({"smtp_tls": "none"}, "outbound_networks"),
        ({"smtp_host": "", "smtp_from": FROM}, "smtp_from"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(changes, named):
    with pytest.raises(SettingsError, match=named) as refused:
        check(Settings(**{**GOOD, **changes}))
    assert "'p'" not in str(refused.value)


async def test_smtp_takes_the_mail_and_the_gateway_the_rest():
    webhook: dict[str, Any] = {
        "webhook_url": "https://sms.example.com",
        "webhook_secret": "whsec_" + "A" * 43 + "=",
    }
    for settings, served in (
        (Settings(), ()),
        (Settings(**GOOD), ("email",)),
        (Settings(**GOOD, **webhook), ("sms", "email")),
        (Settings(**webhook, webhook_media=("sms",)), ("sms",)),
    ):
        check(settings)
        made = gateway(settings, PORTS)
        assert (tuple(made.senders), media(settings)) == (served, served)
        if settings.smtp_host:
            assert isinstance(made.senders["email"], SmtpSender)
        await made.close()


# ── the whole way ───────────────────────────────────────────────────────────────────────────


def test_from_the_request_to_the_mailbox(tmp_path: Path):
    """The service as it runs: a code is asked for, a server outside takes the mail, the code signs nobody up yet."""
    server_tls, certificate = server_context(tmp_path / "tls", "localhost", "127.0.0.1")
    with mail_server(server_tls, login=True) as server:
        service = start(
            tmp_path / "data",
            environment={
                "SSL_CERT_FILE": str(certificate),
                "OSTIARY_SMTP_HOST": "localhost",
                "OSTIARY_SMTP_PORT": str(server.port),
                "OSTIARY_SMTP_USERNAME": USERNAME,
                "OSTIARY_SMTP_PASSWORD": PASSWORD,
                "OSTIARY_SMTP_FROM": FROM,
                "OSTIARY_OUTBOUND_NETWORKS": "127.0.0.0/8,::1",
            },
        )
        try:
            service.client().send_email("CHANNEL_LOGIN", "li@example.org")
            code = service.code("li@example.org", LOGIN)
            deadline = 200
            while not server.arrived and deadline:
                import time

                time.sleep(0.05)
                deadline -= 1
            [one] = server.arrived
            assert code in one.text
            assert code in one.html
            assert one.login == USERNAME
            assert "http" not in one.html, "nothing is fetched from elsewhere"
            assert PASSWORD not in service.log()
        finally:
            assert service.stop() == 0
