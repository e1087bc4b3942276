"""The dev inbox: what people at the other end would see, as JSON and as a page."""

import asyncio
import re

import msgspec
import pytest

from ostiary.server.core.passcode import Channel
from ostiary.server.delivery import texts
from ostiary.server.delivery.inbox import Inbox, typed_recipient
from ostiary.server.delivery.providers.dev_inbox import DevInboxSender
from ostiary.server.storage import outbox
from ostiary.server.storage.outbox import Message
from ostiary.server.web.answers import Request
from ostiary.server.web.pages.dev_inbox import DevInboxPages
from ostiary.server.web.pages.dev_inbox_words import WORDS, topic
from tests.workbench import BIND, LOGIN, UNBIND, Workbench

OLD, NEW, OTHER = "+8613800138000", "+8613900139001", "+8613700137002"
URL = "https://id.example.com"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def bench(database):
    bench = Workbench(database)
    yield bench
    await bench.close()


@pytest.fixture
def pages(bench):
    return DevInboxPages(Inbox(bench.store, bench.ports, URL, dev=True), bench.ports, URL, "app-1")


async def get(pages, path, query="", method="GET", headers=None):
    async def receive():
        return {"type": "http.request", "body": b""}

    request = Request(method, path.encode(), query.encode(), headers or {}, None, "request-1", receive)
    return await pages.routes()[path.encode()][method](request)


async def text(pages, query="", **headers):
    answer = await get(pages, "/dev/inbox", query, headers={b"accept-language": b"en", **headers})
    assert answer.content_type.startswith(b"text/html")
    return answer.body.decode()


async def test_the_inbox_shows_what_arrived_newest_first_and_reads_the_code_out_of_the_text(bench):
    someone, inbox = bench.person(OLD), Inbox(bench.store, bench.ports, URL, dev=True)
    await bench.send(someone, UNBIND, OLD)
    await bench.send(someone, BIND, NEW)
    await bench.send(bench.stranger(), UNBIND, OTHER)  # no account there: withheld
    newest, older = await inbox.entries()
    assert (newest.to, newest.channel, newest.kind) == (NEW, BIND, "sms")
    assert newest.code == bench.code(someone, BIND, NEW)
    assert older.code == bench.code(someone, UNBIND, OLD)
    assert [entry.to for entry in await inbox.entries(OLD)] == [OLD]
    assert await inbox.entries(OTHER) == []
    assert len(await inbox.entries(limit=1)) == 1


async def test_an_emptied_inbox_shows_only_what_comes_after(bench):
    inbox = Inbox(bench.store, bench.ports, URL, dev=True)
    await bench.send(bench.stranger(), LOGIN, OLD)
    await inbox.clear()
    assert await inbox.entries() == []
    await asyncio.sleep(0.002)
    await bench.send(bench.stranger(), LOGIN, NEW)
    assert [entry.to for entry in await inbox.entries()] == [NEW]


async def test_neither_inbox_nor_its_sender_can_be_made_outside_dev_mode(bench):
    with pytest.raises(RuntimeError, match="dev mode only"):
        DevInboxSender(dev=False)
    with pytest.raises(RuntimeError, match="dev mode only"):
        Inbox(bench.store, bench.ports, URL, dev=False)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("+8613800138000", OLD),
        (" 8613800138000", OLD),
        ("8613800138000", OLD),
        ("Alice@Example.com", "alice@example.com"),
        ("li@straße.example", "li@xn--strae-oqa.example"),
        ("", None),
    ],
)
def test_a_plus_sign_lost_in_the_query_is_given_back(typed, meant):
    assert typed_recipient(typed) == meant


# ── the page ────────────────────────────────────────────────────────────────────────────────


async def test_an_empty_inbox_says_how_to_fill_it(pages):
    shown = await text(pages)
    assert "Nothing has arrived yet" in shown
    assert f"curl {URL}/api/v3/send-sms" in shown
    assert "x-genauth-app-id: app-1" in shown


async def test_the_page_shows_who_was_sent_what_and_the_code_to_copy(bench, pages):
    await bench.send(bench.stranger(), LOGIN, OLD)
    digits = bench.code(None, LOGIN, OLD)
    for query, word in (("lang=en-US", "Copy"), ("lang=zh-CN", "复制"), ("part=messages", "Copy")):
        shown = await text(pages, query)
        assert OLD in shown
        assert LOGIN in shown
        assert f"<output>{digits}</output>" in shown
        assert f">{word}</button>" in shown
        assert ("<html" in shown) == (query != "part=messages")


async def test_the_page_speaks_the_browser_s_language_unless_told_otherwise(pages):
    assert (
        'lang="zh-CN"'
        in (await get(pages, "/dev/inbox", headers={b"accept-language": b"zh"})).body.decode()[:80]
    )
    assert 'lang="en-US"' in (await text(pages, "lang=en-US"))[:80]


async def test_the_page_needs_nothing_that_a_strict_policy_forbids(bench, pages):
    await bench.send(bench.stranger(), LOGIN, OLD)
    shown = await text(pages)
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=|<style|javascript:", shown)
    assert set(re.findall(r'(?:src|href)="(/[^"]*)"', shown)) == {"/dev/inbox.css", "/dev/inbox.js"}
    for path in ("/dev/inbox.css", "/dev/inbox.js"):
        asset = await get(pages, path)
        assert asset.body
        assert b"http" not in asset.body, "nothing from elsewhere"
    assert "built-in method" not in shown, "a word that is also a method of dict"


async def test_what_stands_in_a_message_is_text_and_never_markup(bench, pages):
    now = bench.ports.now()
    message = Message(
        id=outbox.new_id(bench.ports, now),
        pool_id="pool-1",
        user_id=None,
        medium="email",
        recipient="<script>@example.com",
        purpose="phone_bound",
        facts={"to": "email", "new": "<b>", "at": now, "device": "<i>"},
        lang="en-US",
        state="queued",
        made_at=now,
        due_at=now,
        ends_at=now + 1_000,
    )
    await bench.store.write(lambda tx: outbox.queue(tx, message))
    shown = await text(pages, "part=messages")
    assert "&lt;script&gt;@example.com" in shown
    assert not re.search("<script|<b>|<i>", shown)


async def test_the_json_is_what_interfaces_promise(bench, pages):
    await bench.send(bench.stranger(), LOGIN, OLD)
    await bench.send(bench.stranger(), LOGIN, NEW)
    listed = await get(pages, "/dev/inbox.json", "to=%2B8613800138000&limit=50")
    (entry,) = msgspec.json.decode(listed.body)
    assert {"id", "kind", "to", "channel", "text", "code", "createdAt"} <= set(entry)
    assert (entry["kind"], entry["to"], entry["channel"]) == ("sms", OLD, LOGIN)
    assert entry["code"] == bench.code(None, LOGIN, OLD)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["createdAt"])
    assert len(msgspec.json.decode((await get(pages, "/dev/inbox.json", "limit=1")).body)) == 1
    assert len(msgspec.json.decode((await get(pages, "/dev/inbox.json", "limit=many")).body)) == 2
    await get(pages, "/dev/inbox.json", method="DELETE")
    assert (await get(pages, "/dev/inbox.json")).body == b"[]"


@pytest.mark.parametrize("query", ["to=%00", "to=a%00b@example.com", "to=%ED%A0%80", "limit=" + "9" * 5_000])
async def test_nobody_has_an_address_that_no_database_can_hold(bench, pages, query):
    """PostgreSQL knows no NUL in a text; Python reads no number of five thousand digits."""
    await bench.send(bench.person(OLD), UNBIND, OLD)
    listed = msgspec.json.decode((await get(pages, "/dev/inbox.json", query)).body)
    assert len(listed) == (1 if query.startswith("limit") else 0)


def test_both_languages_have_all_words_and_every_purpose_has_a_topic():
    assert set(WORDS["zh-CN"]) == set(WORDS["en-US"])
    assert not {name for name in WORDS["zh-CN"] if hasattr(dict, name)}, "a template would find the method"
    for lang in WORDS:
        assert all(topic(purpose, lang) for purpose in (*Channel, *texts.SUBJECTS))
