"""A gateway that is given messages over HTTP: what it gets, how it can tell who sent it, what its answers mean."""

import asyncio
import ssl
import time

import pytest

from ostiary.server.core.address import networks
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.millis import HOUR, SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.gateway import check, media
from ostiary.server.delivery.gateway import gateway as of_settings
from ostiary.server.delivery.messages import Rendered
from ostiary.server.delivery.outbound import MOST_ANSWER, ForbiddenError, Outbound, Target
from ostiary.server.delivery.providers.webhook import Webhook, retry_after
from ostiary.server.delivery.routes import PermanentError, TransientError
from ostiary.server.settings import Settings, SettingsError, load
from tests.certificates import server_context
from tests.gateway import OTHER_SECRET, SECRET, echo, gateway, say

LOOPBACK = networks(["127.0.0.0/8"])
PORTS = Ports(RootKeys({}))
CODE = Rendered(
    id="018f3a5c9e21a1b2c3d4e5f6",
    pool_id="pool-1",
    medium="sms",
    to="+8613800138000",
    purpose="CHANNEL_BIND_PHONE",
    lang="zh-CN",
    text="验证码 482913\n\n@id.example.com #482913",
    code="482913",
    minutes=5,
)
NOTICE = Rendered(
    id="018f3a5c9e21a1b2c3d4e5f7",
    pool_id="pool-1",
    medium="email",
    to="alice@example.com",
    purpose="phone_changed",
    lang="en-US",
    text="Your number was changed.",
    subject="Your number was changed",
)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def outbound():
    made = Outbound(LOOPBACK)
    yield made
    await made.close()


def webhook(outbound, url, secret=SECRET):
    return Webhook(outbound, PORTS, url, secret)


# ── what it gets ────────────────────────────────────────────────────────────────────────────


async def test_a_message_arrives_whole_and_signed(outbound):
    with gateway(say(200, {"id": "msg-77"})) as receiver:
        assert await webhook(outbound, f"{receiver.url}/send?tenant=7").send(CODE) == "msg-77"
        await webhook(outbound, receiver.url).send(NOTICE)
    code, notice = receiver.arrived
    assert code.verified
    assert notice.verified
    assert (code.id, code.path) == (CODE.id, "/send?tenant=7")
    assert code.data == {
        "id": CODE.id,
        "userPoolId": "pool-1",
        "medium": "sms",
        "to": "+8613800138000",
        "purpose": "CHANNEL_BIND_PHONE",
        "lang": "zh-CN",
        "text": CODE.text,
        "code": "482913",
        "minutes": 5,
    }
    assert notice.data["subject"] == "Your number was changed"
    assert not {"code", "minutes"} & set(notice.data)


async def test_a_secret_is_changed_without_a_gap(outbound):
    with gateway(say(200)) as receiver:
        for secrets, receivers, good in (
            (SECRET, SECRET, True),
            (f"{SECRET} {OTHER_SECRET}", SECRET, True),
            (f"{SECRET} {OTHER_SECRET}", OTHER_SECRET, True),
            (OTHER_SECRET, SECRET, False),
        ):
            receiver.secret = receivers
            await webhook(outbound, receiver.url, secrets).send(CODE)
            assert receiver.arrived[-1].verified is good


async def test_a_connection_is_used_again(outbound):
    with gateway(say(200)) as receiver:
        sender = webhook(outbound, receiver.url)
        for _ in range(3):
            await sender.send(CODE)
        assert len(receiver.arrived) == 3
        assert len(outbound._pools["http"].connections) == 1


# ── what its answers mean ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 451])
async def test_what_is_refused_is_refused_for_good(outbound, status):
    with gateway(say(status)) as receiver, pytest.raises(PermanentError, match=f"HTTP {status}"):
        await webhook(outbound, receiver.url).send(CODE)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
async def test_what_can_not_be_done_now_is_tried_later(outbound, status):
    with (
        gateway(say(status, retry_after="7")) as receiver,
        pytest.raises(TransientError, match=f"HTTP {status}") as caught,
    ):
        await webhook(outbound, receiver.url).send(CODE)
    assert caught.value.retry_after == 7 * SECOND


@pytest.mark.parametrize(
    ("said", "milliseconds"),
    [
        (None, 0), ("0", 0), ("120", 120_000), (" 5 ", 5_000), ("9" * 40, HOUR), ("-1", 0), ("1.5", 0), ("soon", 0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50_000), ("Thu, 01 Jan 1970 00:00:01 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", HOUR), ("٣", 0),
    ],
)  # fmt: skip
def test_when_to_come_back(said, milliseconds):
    assert retry_after(said, 10_000) == milliseconds


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"id": "abc"}, "abc"), ({"id": 12345}, "12345"), ({"id": True}, ""), ({"id": {"a": 1}}, ""), ([], ""),
        (None, ""), ({"id": "x" * 129}, ""), ({"id": "a\nb"}, ""), ({"id": "to-8613800138000"}, ""), ({"id": "c482913"}, ""),
    ],
)  # fmt: skip
async def test_taken_is_taken_whatever_the_answer_says(outbound, status, body, said):
    with gateway(say(status, body if status != 204 else None)) as receiver:
        assert await webhook(outbound, receiver.url).send(CODE) == (said if status != 204 else "")


@pytest.mark.parametrize(
    "body", [b"[" * 20_000 + b"]" * 20_000, b'{"id":' + b"9" * 5_000 + b"}", b"\xff", b"{"]
)
async def test_taken_is_taken_though_nobody_can_read_the_answer(outbound, body):
    """It would be sent again otherwise, to somebody who has it."""
    with gateway(say(200, body)) as receiver:
        assert await webhook(outbound, receiver.url).send(CODE) == ""


async def test_what_the_gateway_repeats_of_a_message_is_nowhere_in_an_error(outbound):
    for status in (400, 500):
        with gateway(echo(status)) as receiver, pytest.raises((PermanentError, TransientError)) as caught:
            await webhook(outbound, receiver.url).send(CODE)
        assert str(caught.value) == f"HTTP {status}"


async def test_a_gateway_that_is_not_there_is_tried_later(outbound):
    with gateway() as receiver:
        pass
    with pytest.raises(OSError, match="ConnectError"):
        await webhook(outbound, receiver.url).send(CODE)


# ── where it does not go ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(outbound, status):
    with (
        gateway(say(200)) as inside,
        gateway(say(status, location=f"{inside.url}/latest/meta-data/")) as receiver,
        pytest.raises(PermanentError, match="redirects are not followed"),
    ):
        await webhook(outbound, receiver.url).send(CODE)
    assert inside.arrived == []


async def test_an_endless_answer_is_cut(outbound):
    written = []

    def endless(handler, _one):
        handler.send_response(200)
        handler.send_header("content-length", str(2**30))
        handler.end_headers()
        for _ in range(2**30 // 65_536):
            handler.wfile.write(b" " * 65_536)
            written.append(65_536)

    with gateway(endless) as receiver:
        begun = time.monotonic()
        reply = await outbound.post(Target.parse(receiver.url), {}, b'{"data": {}}')
        assert (reply.status, reply.whole, len(reply.body)) == (200, False, MOST_ANSWER)
        assert time.monotonic() - begun < 5
        await asyncio.sleep(0.2)
    assert sum(written) < 2**25, "the connection was cut, not read to its end"


async def test_a_bomb_is_not_unpacked(outbound):
    with gateway(say(200, "x" * 1_000, content_encoding="gzip")) as receiver:
        assert await webhook(outbound, receiver.url).send(CODE) == ""


async def test_a_proxy_of_the_environment_is_not_asked(outbound, monkeypatch):
    with gateway(say(200)) as receiver, gateway(say(200)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await webhook(outbound, receiver.url).send(CODE)
    assert (len(receiver.arrived), len(proxy.arrived)) == (1, 0)


class Names:
    """A name server that is told what to answer, and what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, host, port):
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_a_name_that_changes_its_answer_is_judged_by_what_is_connected_to():
    names = Names(["127.0.0.1"], ["169.254.169.254"], ["10.0.0.1", "::1"])
    outbound = Outbound(LOOPBACK, resolver=names)
    with gateway(say(200, connection="close")) as receiver:
        sender = webhook(outbound, receiver.url.replace("127.0.0.1", "gateway.example"))
        await sender.send(CODE)
        for _ in range(2):
            with pytest.raises(TransientError, match=r"gateway\.example leads to no address"):
                await sender.send(CODE)
    await outbound.close()
    assert receiver.arrived[0].headers["host"].startswith("gateway.example:")
    assert names.asked == ["gateway.example"] * 3, "once for each connection"


async def test_of_several_addresses_only_those_that_may_be_are_tried():
    names = Names(["10.9.9.9", "169.254.169.254", "127.0.0.1"])
    outbound = Outbound(LOOPBACK, resolver=names)
    with gateway(say(200)) as receiver:
        await webhook(outbound, receiver.url.replace("127.0.0.1", "gateway.example")).send(CODE)
    await outbound.close()


async def test_without_being_named_loopback_is_refused():
    outbound = Outbound()
    with gateway(say(200)) as receiver:
        for url in (
            receiver.url,
            receiver.url.replace("http:", "https:"),
            receiver.url.replace("127.0.0.1", "localhost"),
        ):
            with pytest.raises(ForbiddenError):
                await outbound.post(Target.parse(url), {}, b"")
    await outbound.close()
    assert receiver.arrived == []


async def test_the_certificate_is_that_of_the_name_in_the_url(tmp_path):
    context, certificate = server_context(tmp_path, "gateway.example")
    trusting = ssl.create_default_context(cafile=str(certificate))
    with gateway(say(200), tls=context) as receiver:
        port = receiver.url.rpartition(":")[2]
        for host, tls, good in (
            ("gateway.example", trusting, True),
            ("other.example", trusting, False),
            ("gateway.example", ssl.create_default_context(), False),
        ):
            outbound = Outbound(LOOPBACK, resolver=Names(["127.0.0.1"]), tls=tls)
            sender = webhook(outbound, f"https://{host}:{port}/")
            if good:
                await sender.send(CODE)
            else:
                with pytest.raises(OSError, match="ConnectError"):
                    await sender.send(CODE)
            await outbound.close()
    assert len(receiver.arrived) == 1


# ── how it is set up ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"webhook_secret": SECRET}, "webhook_url is not"),
        ({"webhook_url": "https://example.com/"}, "there is no secret"),
        ({"webhook_url": "https://example.com/", "webhook_secret": "swordfish"}, "whsec_"),
        ({"webhook_url": "https://example.com/", "webhook_secret": "whsec_c2hvcnQ="}, "24 to 64"),
        ({"webhook_url": "https://example.com/", "webhook_secret": "whsec_!!!!"}, "24 to 64"),
        ({"webhook_url": "http://example.com/", "webhook_secret": SECRET}, "outbound_networks"),
        ({"webhook_url": "https://user@example.com/", "webhook_secret": SECRET}, "neither a user"),
    ],
)
def test_what_can_not_work_is_refused_before_the_start(given, reason):
    with pytest.raises(SettingsError, match=reason) as caught:
        check(Settings(**given))
    assert given.get("webhook_secret", "none") not in str(caught.value)


async def test_media_without_a_sender_have_none():
    settings = Settings(webhook_url="https://example.com/", webhook_secret=SECRET, webhook_media=("sms",))
    made = of_settings(settings, PORTS)
    assert (set(made.senders), media(settings), media(Settings())) == ({"sms"}, ("sms",), ())
    await made.close()


def test_the_secret_may_stand_in_a_file_and_settings_show_none(tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    environment = {
        "OSTIARY_WEBHOOK_URL": "https://example.com/",
        "OSTIARY_WEBHOOK_SECRET_FILE": str(file),
        "OSTIARY_WEBHOOK_MEDIA": "sms",
    }
    settings = load({}, environment).settings
    assert (settings.webhook_secret, settings.webhook_media) == (SECRET, ("sms",))
    assert SECRET not in repr(settings)
