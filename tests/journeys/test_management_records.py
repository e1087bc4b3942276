"""An administrator looks at what was done and what was sent."""

from typing import Any

import msgspec
import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.millis import DAY
from ostiary.server.storage import outbox, records
from ostiary.server.storage.outbox import Message
from tests.desk import Desk
from tests.explain import explain
from tests.workbench import BIND, UNBIND, Workbench

OLD, NEW, OTHER = "+8613800138000", "+8613900139001", "+8613700137002"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def desk(database):
    bench = Workbench(database)
    yield Desk(bench)
    await bench.close()


async def moved(bench):
    """Somebody changes their number; who."""
    person = bench.person(OLD, email="alice@example.com")
    token = await bench.ready_to_change(person, NEW)
    await bench.update(person, token)
    return person


def queue(bench, count, *, recipient=OTHER, pool_id=None):
    def step(tx):
        for place in range(count):
            made_at = bench.ports.now() + place
            outbox.queue(
                tx,
                Message(
                    id=outbox.new_id(bench.ports, made_at), pool_id=pool_id or bench.pool_id, user_id=None,
                    medium="sms", recipient=recipient, purpose="phone_changed", facts={}, lang="en-US",
                    state="queued", made_at=made_at, due_at=made_at, ends_at=made_at + DAY,
                ),
            )  # fmt: skip

    bench.store.write_now(step)


async def test_the_audit_trail_tells_who_did_what_at_which_request(desk):
    person = await moved(desk.bench)
    page = await desk.done("list_audit_events", userId=person.user_id)
    events = [(one.event, one.verdict, one.actor) for one in page.list]
    assert ("phone_changed", "done", "user") in events
    assert page.next is None
    assert [one.id for one in page.list] == sorted((one.id for one in page.list), reverse=True)
    found = await desk.done("list_audit_events", requestId=page.list[0].request_id)
    assert page.list[0] in found.list
    assert (await desk.done("list_audit_events", verdict="code_wrong")).list == []
    whole = msgspec.json.encode(page).decode()
    assert OLD[3:] not in whole
    assert NEW[3:] not in whole


async def test_messages_are_told_without_their_text_and_with_their_recipient_masked(desk):
    person = await moved(desk.bench)
    page = await desk.done("list_messages")
    assert sorted((one.medium, one.to, one.purpose) for one in page.list) == sorted([
        ("sms", "+86138****8000", UNBIND), ("sms", "+86139****9001", BIND),
        ("sms", "+86138****8000", "phone_changed"), ("sms", "+86139****9001", "phone_changed"),
        ("email", "a****@example.com", "phone_changed"),
    ])  # fmt: skip
    assert {one.state for one in page.list} == {"queued"}
    whole = msgspec.json.encode(page).decode()
    for channel, number in ((UNBIND, OLD), (BIND, NEW)):
        assert desk.bench.code(person, channel, number) not in whole
        assert number[3:] not in whole
    assert not {"text", "facts", "code", "seed"} & set(msgspec.to_builtins(page.list[0]))


@pytest.mark.parametrize("to", [OLD, OLD.replace("+", " "), OLD.lstrip("+")])
async def test_messages_are_found_by_number_state_and_purpose(desk, to):
    await moved(desk.bench)
    assert len((await desk.done("list_messages", to=to)).list) == 2
    (one,) = (await desk.done("list_messages", to=to, purpose="phone_changed", state="queued")).list
    assert one.purpose == "phone_changed"
    assert (await desk.done("list_messages", to=to, state="dead")).list == []


async def test_pages_follow_each_other_without_gap_or_repetition(desk):
    queue(desk.bench, 45)
    seen: list[str] = []
    before: dict[str, str] = {}
    for _ in range(10):
        page = await desk.done("list_messages", **before)
        seen += [one.id for one in page.list]
        if page.next is None:
            break
        before = {"before": page.next}
    assert len(seen) == len(set(seen)) == 45
    assert seen == sorted(seen, reverse=True)


async def test_a_rare_row_is_found_a_stretch_at_a_time(desk, monkeypatch):
    monkeypatch.setattr(records, "MOST_LOOKED", 10)
    queue(desk.bench, 1)
    queue(desk.bench, 35, recipient=OLD)
    desk.bench.store.write_now(lambda tx: outbox.claim(tx, desk.bench.ports.now(), 1, DAY))
    found: list[Any] = []
    before: dict[str, str] = {}
    calls = 0
    while True:
        page = await desk.done("list_messages", state="sending", **before)
        calls += 1
        found += page.list
        if page.next is None:
            break
        before = {"before": page.next}
    assert (len(found), calls) == (1, 4)


async def test_moments_bound_what_is_looked_at(desk):
    await moved(desk.bench)
    now = desk.bench.ports.now()
    assert (await desk.done("list_audit_events", end=now - 60_000)).list == []
    assert (await desk.done("list_audit_events", start=now + 60_000)).list == []
    assert (await desk.done("list_audit_events", start=now - 60_000, end=now + 60_000)).list
    assert (await desk.done("list_audit_events", before="0" * 24)).list == []


async def test_another_pools_rows_are_not_there(desk):
    queue(desk.bench, 3, pool_id="pool-2")
    queue(desk.bench, 2)
    assert len((await desk.done("list_messages")).list) == 2
    assert len((await desk.done("list_messages", to=OTHER)).list) == 2


@pytest.mark.parametrize(
    ("operation", "members", "field"),
    [
        ("list_messages", {"limit": 0}, "limit"),
        ("list_messages", {"limit": 101}, "limit"),
        ("list_messages", {"state": "gone"}, "state"),
        ("list_messages", {"before": "' OR 1=1"}, "before"),
        ("list_messages", {"before": "f" * 25}, "before"),
        ("list_audit_events", {"start": -1}, "start"),
        ("list_audit_events", {"end": 2**60}, "end"),
    ],
)
async def test_a_form_error_names_its_field(desk, operation, members, field):
    assert (await desk.refused(operation, members, Key.BAD_REQUEST))["field"] == field


async def test_nobody_else_may_look(desk):
    for operation in ("list_messages", "list_audit_events"):
        answer = await desk.ask(operation, {}, desk.bench.stranger())
        assert answer.key in {Key.NOT_LOGGED_IN, Key.LOGIN_INVALID}


async def test_each_look_walks_an_index(desk):
    url = desk.bench.url
    bounds = {"before": "g", "since": "", "most": 10, "limit": 5, "pool_id": "p"}
    audit = {"event": "", "verdict": "", "request_id": ""}
    messages = {"state": "", "purpose": ""}
    for walk, params, index in (
        (records.EVENTS, audit, "audit_pkey"),
        (records.EVENTS_OF_USER, {**audit, "user_id": "u"}, "audit_of_user"),
        (records.MESSAGES, messages, "outbox_pkey"),
        (records.MESSAGES_TO, {**messages, "recipient": "r"}, "outbox_by_recipient"),
    ):
        for sql in (walk.page, walk.reach):
            plan = explain(url, sql, **bounds, **params)
            assert not plan.whole - {"looked"}, plan.text
            assert index in plan.indexes, plan.text
