"""A message's way: queued beside its fact, taken once, sent, settled; and what becomes of it when things go wrong."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import msgspec
import pytest

from ostiary.server.core.keyring import KeyRing, RootKeys
from ostiary.server.core.millis import DAY, HOUR, SECOND
from ostiary.server.core.ports import Ports
from ostiary.server.delivery import worker as worker_module
from ostiary.server.delivery.background import Background
from ostiary.server.delivery.messages import read_code
from ostiary.server.delivery.rendering import Renderer
from ostiary.server.delivery.routes import PermanentError, Routes, TransientError
from ostiary.server.delivery.worker import Worker
from ostiary.server.storage import outbox
from ostiary.server.storage.db import Store
from ostiary.server.storage.outbox import Message, Outcome
from tests.workbench import BIND, UNBIND, Workbench

OLD, NEW, OTHER = "+8613800138000", "+8613900139001", "+8613700137002"
URL = "https://id.example.com"
LEASE = 30 * SECOND


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def bench(database):
    bench = Workbench(database)
    yield bench
    await bench.close()


class Recorder:
    """A provider that does as it is told, and remembers what it was given."""

    def __init__(self, *troubles):
        self.sent = []
        self.troubles = list(troubles)
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()

    async def send(self, message):
        self.entered.set()
        await self.gate.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        self.sent.append(message)
        return f"sms-{len(self.sent)}"


def routes(sender):
    return Routes({"sms": sender, "email": sender})


@asynccontextmanager
async def working(bench, sender, ports=None, store=None):
    ports = ports or bench.ports
    worker = Worker(
        store or bench.store,
        ports,
        routes(sender) if sender else Routes({}),
        Renderer(ports, URL),
    )
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.loop.stop()
        await running


async def until(truth, seconds=10.0):
    """The database is what is looked at: there is no event to wait for."""
    async with asyncio.timeout(seconds):
        while not truth():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


def states(bench):
    return Counter(row[0] for row in bench.all("SELECT state FROM outbox"))


def letter(bench, place=0, *, state="queued", due=0, life=300 * SECOND, recipient=NEW):
    """A notice that needs no code behind it."""
    now = bench.ports.now()
    return Message(
        id=outbox.new_id(bench.ports, now + place),
        pool_id="pool-1",
        user_id=None,
        medium="sms",
        recipient=recipient,
        purpose="phone_bound",
        facts={"to": "new", "new": "+86139****9001", "at": now, "device": ""},
        lang="en-US",
        state=state,
        made_at=now,
        due_at=now + due,
        ends_at=now + life,
    )


def queue(bench, *letters):
    def step(tx):
        for one in letters:
            outbox.queue(tx, one)

    bench.store.write_now(step)
    return [one.id for one in letters]


def claim(bench, limit=10, later=0):
    return bench.store.write_now(lambda tx: outbox.claim(tx, bench.ports.now() + later, limit, LEASE))


def settle(bench, *outcomes):
    return bench.store.write_now(lambda tx: outbox.settle(tx, outcomes))


# ── taking and settling ─────────────────────────────────────────────────────────────────────


async def test_what_is_due_is_taken_oldest_first_and_only_once(bench):
    ids = queue(bench, *(letter(bench, place, due=place) for place in range(5)), letter(bench, 9, due=60_000))
    assert [one.id for one in claim(bench, 3, later=10)] == ids[:3]
    assert [one.id for one in claim(bench, 10, later=10)] == ids[3:5]
    assert claim(bench, 10, later=10) == []


async def test_a_withheld_message_is_never_taken(bench):
    queue(bench, letter(bench, state="withheld"))
    assert claim(bench, later=DAY) == []


async def test_a_message_whose_worker_died_is_due_again_when_the_lease_ends(bench):
    queue(bench, letter(bench))
    (first,) = claim(bench)
    assert claim(bench, later=LEASE - 1_000) == []
    (second,) = claim(bench, later=LEASE + 1)
    assert (first.id, first.attempts, second.attempts) == (second.id, 1, 2)


async def test_an_outcome_counts_only_while_its_attempt_is_the_live_one(bench):
    queue(bench, letter(bench), letter(bench, 1))
    first, other = claim(bench)
    (again,) = claim(bench, 1, later=LEASE + 1)
    assert again.id == first.id
    late = Outcome(id=first.id, attempt=1, state="dead", settled_at=1)
    good = Outcome(id=first.id, attempt=2, state="sent", settled_at=7, provider_id="p")
    assert settle(bench, late) == 0
    assert settle(bench, good, Outcome(id=other.id, attempt=1, state="queued", due_at=5, error="busy")) == 2
    assert settle(bench, good) == 0, "settled once, settled for good"
    kept = {
        row[0]: row[1:]
        for row in bench.all("SELECT id, state, settled_at, provider_id, due_at, error FROM outbox")
    }
    assert kept[first.id][:3] == ("sent", 7, "p")
    assert kept[other.id] == ("queued", None, None, 5, "busy")


async def test_next_due_tells_when_the_worker_has_to_look_again(bench):
    assert bench.store.read_now(outbox.next_due) is None
    one = letter(bench, due=5_000)
    queue(bench, one, letter(bench, 1, state="withheld"))
    assert bench.store.read_now(outbox.next_due) == one.due_at


# ── the worker ──────────────────────────────────────────────────────────────────────────────


async def test_a_code_arrives_as_text_and_stands_nowhere_at_rest(bench):
    someone = bench.person(OLD)
    sender = Recorder()
    async with working(bench, sender):
        assert await bench.send(someone, UNBIND, OLD) is None
        assert await bench.send(someone, BIND, NEW) is None
        await until(lambda: states(bench)["sent"] == 2)
    told = {message.to: message for message in sender.sent}
    for number, channel in ((OLD, UNBIND), (NEW, BIND)):
        digits = bench.code(someone, channel, number)
        assert read_code(told[number].text) == digits == told[number].code
        assert digits not in str(bench.all("SELECT * FROM outbox"))


async def test_a_message_waits_for_a_provider_that_comes_back(bench):
    queue(bench, letter(bench))
    sender = Recorder(
        TransientError("busy"), ConnectionResetError("reset"), RuntimeError("a bug of the provider's")
    )
    async with working(bench, sender):
        for attempts in (1, 2, 3):
            await until(
                lambda seen=(attempts, "queued"): bench.all("SELECT attempts, state FROM outbox") == [seen]
            )
            bench.clock.advance(seconds=60)
        await until(lambda: states(bench)["sent"] == 1)
    assert bench.all("SELECT attempts, error FROM outbox") == [(4, None)]


async def test_what_a_provider_refuses_for_good_is_a_dead_letter_and_its_words_hold_no_digits(bench):
    queue(bench, letter(bench))
    async with working(bench, Recorder(PermanentError(f"no such number {NEW}, text 407153"))):
        await until(lambda: states(bench)["dead"] == 1)
    assert bench.one("SELECT error FROM outbox") == "PermanentError: no such number +…, text …"


async def test_without_a_route_a_message_ends_as_no_route(bench):
    queue(bench, letter(bench))
    async with working(bench, None):
        await until(lambda: states(bench)["no_route"] == 1)


async def test_past_its_end_a_message_is_not_sent(bench):
    someone = bench.person(OLD)
    await bench.send(someone, BIND, NEW)
    queue(bench, letter(bench, life=SECOND))
    bench.clock.advance(seconds=301)
    sender = Recorder()
    async with working(bench, sender):
        await until(lambda: states(bench) == {"expired": 1, "dead": 1})
    assert sender.sent == []


async def test_a_code_whose_key_is_gone_has_expired(bench):
    await bench.send(bench.person(OLD), BIND, NEW)
    rings = dict(bench.keys.rings)
    rings["codes"] = KeyRing("codes", ())
    async with working(bench, Recorder(), ports=Ports(RootKeys(rings), bench.clock)):
        await until(lambda: states(bench)["expired"] == 1)


async def test_a_notice_is_tried_for_three_days(bench):
    queue(bench, letter(bench, life=72 * HOUR))
    sender = Recorder(*(TransientError("down") for _ in range(1_000)))
    async with working(bench, sender):
        await until(lambda: bench.one("SELECT attempts FROM outbox") == 1)
        bench.clock.advance(seconds=71 * 3_600)
        await until(lambda: bench.all("SELECT attempts, state FROM outbox") == [(2, "queued")])
        bench.clock.advance(seconds=3_601)
        await until(lambda: states(bench)["dead"] == 1)


async def test_a_provider_that_never_answers_is_given_up(bench, monkeypatch):
    monkeypatch.setattr(worker_module, "SEND_TIMEOUT", 0.05)
    queue(bench, letter(bench))
    sender = Recorder()
    sender.gate.clear()
    async with working(bench, sender):
        await until(lambda: bench.all("SELECT attempts, state FROM outbox") == [(1, "queued")])
    assert "TimeoutError" in bench.one("SELECT error FROM outbox")


async def test_a_clean_stop_finishes_what_is_under_way(bench):
    queue(bench, letter(bench))
    sender = Recorder()
    sender.gate.clear()
    async with working(bench, sender) as worker:
        await sender.entered.wait()
        worker.loop.stop()
        await asyncio.sleep(0.05)
        queue(bench, letter(bench, 1))
        sender.gate.set()
    assert states(bench) == {"sent": 1, "queued": 1}, "nothing new was begun"


async def test_a_slow_message_holds_up_no_other(bench):
    class Slow(Recorder):
        async def send(self, message):
            if message.to == OTHER:
                await asyncio.sleep(3_600)
            return await super().send(message)

    queue(bench, letter(bench, recipient=OTHER))
    sender = Slow()
    async with working(bench, sender):
        await until(lambda: states(bench)["sending"] == 1)
        queue(bench, *(letter(bench, place) for place in range(100)))
        await until(lambda: states(bench)["sent"] == 100)


async def test_a_worker_is_given_what_its_process_queued_and_nothing_that_was_undone(bench):
    def undone(tx):
        outbox.queue(tx, letter(bench))
        raise LookupError

    sender = Recorder()
    sender.gate.clear()
    async with working(bench, sender) as worker:
        await until(lambda: worker.loop.turned_at is not None)
        with pytest.raises(LookupError):
            await bench.store.write(undone)
        ids = queue(bench, letter(bench))
        assert bench.all("SELECT state, attempts FROM outbox") == [("sending", 1)], "taken from the start"
        sender.gate.set()
        await until(lambda: states(bench)["sent"] == 1)
    assert [message.id for message in sender.sent] == ids


async def test_what_a_worker_has_no_room_or_no_time_for_is_given_back(bench, monkeypatch):
    monkeypatch.setattr(worker_module, "AT_ONCE", 2)
    monkeypatch.setattr(worker_module, "GATHER", 0.2)
    sender = Recorder()
    sender.gate.clear()
    async with working(bench, sender) as worker:
        await until(lambda: worker.loop.turned_at is not None)
        long_ago = bench.ports.now() - LEASE + 5 * SECOND
        old = msgspec.structs.replace(letter(bench, life=HOUR), made_at=long_ago, due_at=long_ago)
        queue(bench, letter(bench, 1), letter(bench, 2), letter(bench, 3), old)
        await until(lambda: states(bench) == {"sending": 2, "queued": 2})
        sender.gate.set()
        late = queue(bench, letter(bench, 4), letter(bench, 5))
        await until(lambda: states(bench)["sent"] == 6)
    assert len({message.id for message in sender.sent}) == len(sender.sent) == 6
    assert [message.id for message in sender.sent][-2:] == late, (
        "who found no room goes before who comes later"
    )


async def test_what_is_not_begun_when_a_worker_stops_is_given_back(bench, monkeypatch):
    monkeypatch.setattr(worker_module, "GATHER", 0.2)
    async with working(bench, Recorder()) as worker:
        await until(lambda: worker.loop.turned_at is not None)
        ids = queue(bench, letter(bench))
        await asyncio.sleep(0.05)
    assert [message.id for message in claim(bench)] == ids


async def test_a_sender_that_waits_for_nobody_answers_at_once(bench):
    class AtOnce:
        troubles = [TransientError("busy")]  # noqa: RUF012 - one test's

        def send(self, message):
            if self.troubles:
                raise self.troubles.pop()
            return f"id of {message.id}"

    async with working(bench, AtOnce()):
        (name,) = queue(bench, letter(bench))
        await until(lambda: bench.all("SELECT attempts, state FROM outbox") == [(1, "queued")])
        bench.clock.advance(seconds=60)
        await until(lambda: states(bench)["sent"] == 1)
    assert bench.one("SELECT provider_id FROM outbox") == f"id of {name}"


async def test_two_workers_send_each_message_once(bench):
    count = 300
    queue(bench, *(letter(bench, place) for place in range(count)))
    sender = Recorder()
    second = Store.open(bench.url, bench.ports)
    try:
        async with working(bench, sender), working(bench, sender, store=second):
            await until(lambda: states(bench)["sent"] == count, seconds=60)
    finally:
        await second.close()
    assert Counter(message.id for message in sender.sent).most_common(1)[0][1] == 1
    assert len(sender.sent) == count


async def test_many_messages_cost_few_transactions(bench):
    queue(bench, *(letter(bench, place) for place in range(640)))
    before = bench.store.counts.commits
    async with working(bench, Recorder()):
        await until(lambda: states(bench)["sent"] == 640, seconds=60)
    assert bench.store.counts.commits - before <= 40


async def test_an_idle_worker_writes_nothing(bench):
    async with working(bench, Recorder()) as worker:
        await until(lambda: worker.loop.turned_at is not None)
        before = bench.store.counts.commits
        await asyncio.sleep(1.3)
    assert bench.store.counts.commits == before


# ── all of it ───────────────────────────────────────────────────────────────────────────────


async def test_a_change_tells_the_old_number_the_new_one_and_the_address_and_is_sealed(bench):
    someone = bench.person(OLD, email="alice@example.com")
    sender = Recorder()
    background = Background(bench.store, bench.ports, routes(sender), URL)
    running = asyncio.create_task(background.run())
    token = await bench.ready_to_change(someone, NEW)
    await bench.update(someone, token)
    await until(lambda: len(sender.sent) == 5)
    await until(lambda: background.ready and not bench.all("SELECT 1 FROM audit WHERE place IS NULL"))
    background.stop()
    await running
    notices = {message.to: message for message in sender.sent if message.purpose == "phone_changed"}
    assert set(notices) == {OLD, NEW, "alice@example.com"}
    assert all("138****8000" in one.text and "139****9001" in one.text for one in notices.values())
    assert notices["alice@example.com"].subject
