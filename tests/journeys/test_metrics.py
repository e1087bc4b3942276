"""What an operator sees: numbers, log lines, slow steps, traces; and that none of them tells a secret."""

import json
import re
import subprocess
import sys
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ostiary.client.errors import RateLimited
from ostiary.contract.keys import Key
from ostiary.contract.operations import BY_NAME
from ostiary.server.core.masking import mask_address
from ostiary.server.core.passcode import Channel
from ostiary.server.storage import tallies
from ostiary.server.storage.backlog import MESSAGES, UNSEALED
from ostiary.server.storage.db import Counts
from ostiary.server.storage.tallies import Tally
from ostiary.server.web import exposition
from ostiary.server.web.metrics import Metrics
from tests.explain import explain
from tests.gateway import gateway, say
from tests.service import BIND, LOGIN, Service, start
from tests.workbench import UNBIND, Workbench

OLD, NEW = "+8613800138000", "+8613900139001"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def bench(database):
    bench = Workbench(database)
    yield bench
    await bench.close()


def samples(service: Service) -> dict[tuple[str, frozenset[str]], float]:
    """Every sample by name and the values of its labels."""
    answer = service.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.values())] = sample.value
    return found


def grown(before, after, name, *labels):
    key = (name, frozenset(labels))
    return after.get(key, 0) - before.get(key, 0)


def test_a_change_of_number_shows_in_the_numbers(service):
    person = service.person()
    before = samples(service)
    new = service.number()
    person.client.send_sms(BIND, new.removeprefix("+86"))
    code = service.code(new, BIND)
    guess = code[:-1] + str((int(code[-1]) + 1) % 10)
    look = {"phone": new.removeprefix("+86"), "passCode": guess, "channel": BIND}
    assert person.client.pre_check_code("SMS", sms_code_payload=look).data.is_valid is False
    with pytest.raises(RateLimited):
        person.client.send_sms(BIND, new.removeprefix("+86"))
    time.sleep(1.1)
    after = samples(service)
    assert grown(before, after, "ostiary_codes_asked_total", BIND) == 1
    assert grown(before, after, "ostiary_codes_wrong_total", BIND) == 1
    assert grown(before, after, "ostiary_limits_hit_total", "number and channel") == 1
    assert grown(before, after, "ostiary_messages_attempted_total", "sms", BIND, "sent") == 1
    assert grown(before, after, "ostiary_answers_total", "send_sms", "ok") == 1
    assert grown(before, after, "ostiary_answers_total", "send_sms", Key.SMS_TOO_OFTEN) == 1
    assert grown(before, after, "ostiary_answer_seconds_count", "send_sms") == 2
    for name in ("commits", "steps", "batches", "statements", "commit_seconds"):
        assert grown(before, after, f"ostiary_store_{name}_total") > 0, name
    assert after["ostiary_database_answers", frozenset()] == 1
    assert after["ostiary_outbox_lag_seconds", frozenset()] < 60
    assert after["ostiary_store_queue", frozenset()] == 0


def test_no_label_is_a_clients_word(service):
    person = service.person()
    for path in ("/nowhere", "/api/v3/send-sms?x=<script>", "/metrics/evil"):
        service.http.request("BREW", path, headers={"x-genauth-app-id": "evil"})
        service.http.get(path)
    service.http.post("/api/v3/send-sms", json={"channel": "CHANNEL_EVIL", "phoneNumber": person.national})
    text = service.http.get("/metrics").text
    assert not re.search(r"evil|script|BREW|nowhere", text, re.IGNORECASE)
    assert person.national not in text
    words = {*BY_NAME, *map(str, Key), *Channel, "none", "ok"}
    operations = set(re.findall(r'operation="([^"]*)"', text))
    assert operations <= words | {
        "healthz",
        "readyz",
        "metrics",
        "docs",
        "openapi",
        "dev_inbox",
        "dev_clock",
        "verify_email",
        "verify_email_page",
    } | {name for name in operations if name.startswith(("dev", "docs", "openapi"))}
    assert set(re.findall(r'channel="([^"]*)"', text)) <= set(Channel)


async def test_what_is_counted_was_committed_once(bench):
    someone = bench.person(OLD)
    token = await bench.ready_to_change(someone, NEW)
    await bench.update(someone, token)
    await bench.send(bench.stranger(), "CHANNEL_RESET_PASSWORD", "+8613700137002")
    counted = {(what, label): number for what, label, number in tallies.read(bench.store.counts.tallies)}
    assert counted == {
        (Tally.CODE_ASKED, UNBIND): 1,
        (Tally.CODE_ASKED, BIND): 1,
        (Tally.CODE_USED, BIND): 1,
        (Tally.CODE_USED, UNBIND): 1,
        (Tally.CODE_WITHHELD, "CHANNEL_RESET_PASSWORD"): 1,
    }


async def test_what_is_rolled_back_was_never_counted(bench):
    def step(tx):
        tallies.count(tx, Tally.CODE_USED, BIND)
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await bench.store.write(step)
    assert not bench.store.counts.tallies


async def test_a_wrong_guess_that_survives_its_step_is_counted(bench, monkeypatch):
    from ostiary.server.storage import codes

    someone = bench.person(OLD)
    await bench.send(someone, BIND, NEW)

    def broken(*_args):
        raise RuntimeError("the disk, say")

    monkeypatch.setattr(codes, "pay", broken)
    with pytest.raises(RuntimeError):
        await bench.look(someone, BIND, NEW, bench.wrong(someone, BIND, NEW))
    assert bench.store.counts.tallies["tally:code_wrong:CHANNEL_BIND_PHONE"] == 1


async def test_a_slow_step_is_told_with_where_its_time_went(bench, capsys):
    bench.store.slow_seconds = 0.05

    def dawdle(_tx):
        time.sleep(0.08)

    await bench.store.write(dawdle)
    await bench.store.read(dawdle)
    await bench.store.write(lambda _tx: None)
    lines = [line for line in capsys.readouterr().err.splitlines() if "store.slow_step" in line]
    assert len(lines) == bench.store.counts.slow == 2
    assert all("dawdle" in line and "waited_ms" in line and "committed_ms" in line for line in lines)
    bench.store.slow_seconds = 0.0
    await bench.store.write(dawdle)
    assert bench.store.counts.slow == 2


async def test_what_waits_is_counted_by_index(bench):
    for sql, index in ((MESSAGES, "outbox_due"), (UNSEALED, "audit_unsealed")):
        plan = explain(bench.url, sql)
        assert index in plan.text, plan.text


def test_several_processes_are_told_apart():
    metrics = Metrics(Counts(tallies=Counts().tallies), lambda: 0, process="4711")
    metrics.answered("send_sms", "ok", 0.01)
    families = list(text_string_to_metric_families(exposition.text(metrics).decode()))
    assert families
    assert all(sample.labels["process"] == "4711" for family in families for sample in family.samples)
    again = list(text_string_to_metric_families(exposition.text(metrics).decode()))
    assert [family.name for family in again] == [family.name for family in families]


def test_without_the_database_the_other_numbers_are_still_told():
    metrics = Metrics(Counts(), lambda: 3)
    metrics.backlog(None, 0)
    assert metrics.wants_backlog
    text = exposition.text(metrics).decode()
    assert "ostiary_database_answers 0.0" in text
    assert "ostiary_store_queue 3.0" in text
    assert "\nostiary_outbox_waiting " not in text


def test_every_label_is_in_the_table():
    metrics = Metrics(Counts(), lambda: 0)
    named = {family.name for family in exposition.families(metrics)}
    assert set(exposition.LABELS) <= named


# ── who may look ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("networks", "status"), [("127.0.0.0/8", 200), ("10.0.0.0/8,::1", 404)])
def test_numbers_are_told_to_named_networks(data_folder, networks, status):
    service = start(data_folder, environment={"OSTIARY_METRICS_NETWORKS": networks})
    for headers in (
        {},
        {"x-forwarded-for": "10.0.0.1", "x-real-ip": "10.0.0.1", "forwarded": "for=10.0.0.1"},
    ):
        assert service.http.get("/metrics", headers=headers).status_code == status
    assert service.stop() == 0


# ── log lines ───────────────────────────────────────────────────────────────────────────────


def test_an_answers_line_says_who_asked_and_nothing_that_is_theirs(service):
    person = service.person()
    number = service.number()
    answer = person.client.send_sms(BIND, number.removeprefix("+86"))
    service.message(number)
    time.sleep(0.2)
    lines = [json.loads(line) for line in service.log().splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line.get("request_id") == answer.request_id]
    assert (line["operation"], line["key"], line["status_code"]) == ("send_sms", "ok", 200)
    assert (line["user"], line["app"], line["address"]) == (
        person.user_id,
        service.ids["appId"],
        "127.0.0.0/24",
    )
    log = service.log()
    assert number[3:] not in log
    assert service.message(number)["code"] not in [str(value) for line in lines for value in line.values()]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.9", "203.0.113.0/24"), ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"), ("fe80::1%eth0", "fe80::/48"), ("", "****"), ("nonsense", "****"),
    ],
)  # fmt: skip
def test_an_address_tells_its_network(address, shown):
    assert mask_address(address) == shown


# ── traces ──────────────────────────────────────────────────────────────────────────────────


def test_without_traces_nothing_of_them_is_imported():
    code = "import sys, ostiary.server.app\nprint(*[name for name in sys.modules if 'opentelemetry' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_traces_arrive_and_hold_no_secret(data_folder):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra otel")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    bodies: list[bytes] = []
    with gateway(say(200)) as receiver:
        receiver.take = lambda handler: _take_trace(handler, bodies)
        service: Any = start(data_folder, environment={"OSTIARY_OTLP_ENDPOINT": f"{receiver.url}/v1/traces"})
        person = service.person()
        number = service.number()
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        person.client.send_sms(LOGIN, number.removeprefix("+86"))
        code = service.code(number, LOGIN)
        service.http.get("/healthz", headers={"traceparent": parent})
        assert service.stop() == 0
    spans = []
    for body in bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            spans += [span for scope in resource.scope_spans for span in scope.spans]
    assert {"send_sms", "send sms", "create_user", "healthz"} <= {span.name for span in spans}
    (continued,) = [span for span in spans if span.name == "healthz"]
    assert (continued.trace_id.hex(), continued.parent_span_id.hex()) == (parent[3:35], parent[36:52])
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in spans)
    whole = str(spans)
    assert not [secret for secret in (code, number[3:], person.national, person.password) if secret in whole]


def _take_trace(handler, bodies):
    bodies.append(handler.rfile.read(int(handler.headers["content-length"])))
    handler.send_response(200)
    handler.send_header("content-length", "0")
    handler.end_headers()


def test_traces_without_the_extra_are_refused_with_what_to_install(monkeypatch):
    from ostiary.server.core.keyring import RootKeys
    from ostiary.server.core.ports import Ports
    from ostiary.server.settings import StartRefusedError
    from ostiary.server.web.tracing import tracing

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(StartRefusedError, match=r"ostiary\[otel\]"):
        tracing("http://127.0.0.1:4318/v1/traces", Ports(RootKeys({})))
