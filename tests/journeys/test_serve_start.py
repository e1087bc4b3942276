"""Starting and stopping: what `ostiary serve` says, what it refuses, and how it ends."""

import json
import shutil
import socket
import stat
import threading
import time

import httpx2
import pytest

from tests.service import end, first_line, launch, run, start


def test_the_ready_line_is_the_only_output_and_tells_where(data_folder):
    process = launch(data_folder, "serve", "--dev", "--port", "0")
    ready = json.loads(first_line(process))
    assert set(ready) == {"event", "url", "dataDir"}
    assert ready["event"] == "ready"
    assert ready["dataDir"] == str(data_folder)
    assert httpx2.get(f"{ready['url']}/healthz", trust_env=False).status_code == 200
    assert end(process) == (0, "")


def test_dev_json_has_exactly_the_documented_keys_and_is_ours_alone(sqlite_service):
    path = sqlite_service.folder / "dev.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    dev = json.loads(path.read_text())
    assert set(dev) == {
        "url",
        "userPoolId",
        "appId",
        "appSecret",
        "accessKeyId",
        "accessKeySecret",
        "inboxUrl",
        "users",
    }
    assert len(dev["users"]) >= 2
    for user in dev["users"]:
        assert set(user) == {"userId", "phone", "email", "username", "password"}
    assert "+8613800138000" in {user["phone"] for user in dev["users"]}
    assert dev["inboxUrl"] == f"{dev['url']}/dev/inbox"


def test_keys_and_database_are_readable_by_us_alone(sqlite_service):
    for name in ("keys.json", "ostiary.db"):
        assert stat.S_IMODE((sqlite_service.folder / name).stat().st_mode) == 0o600


def test_the_dev_users_can_sign_in(service):
    for user in service.ids["users"]:
        client = service.signed_in(user["username"], user["password"])
        profile = client.get_profile().data
        assert profile.user_id == user["userId"]
        assert f"{profile.phone_country_code}{profile.phone}" == user["phone"]


def test_the_dev_pool_has_its_coarse_limits_off(service):
    answer = service.management.get_security_settings().data
    assert (
        answer.send_per_address_per_minute,
        answer.send_per_address_per_day,
        answer.send_per_app_per_day,
    ) == (0, 0, 0)


def test_readiness_names_its_checks(service):
    deadline = time.monotonic() + 5
    while (answer := service.http.get("/readyz")).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert answer.status_code == 200
    assert set(answer.json()["checks"]) >= {"database", "migrations", "clock", "worker"}


def test_a_restart_keeps_people_sessions_and_the_clock(data_folder):
    service = start(data_folder)
    person = service.person()
    service.advance(hours=1)
    before = service.dev
    service.restart()
    assert person.client.get_profile().data.user_id == person.user_id
    assert service.dev == before
    clock = service.http.post("/dev/clock", json={"advanceSeconds": 1}).json()
    assert clock["offsetSeconds"] == 3_601
    assert service.stop() == 0


def test_a_stop_finishes_requests_under_way(data_folder):
    service = start(data_folder)
    person = service.person(sign_in=False)
    answers = []

    def sign_in():
        answers.append(service.signed_in(person.username, person.password))

    threads = [threading.Thread(target=sign_in) for _ in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    begun = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - begun < 10
    for thread in threads:
        thread.join()


def test_a_stop_does_not_wait_for_a_client_that_says_nothing(data_folder):
    service = start(data_folder, environment={"OSTIARY_STOP_TIMEOUT": "1"})
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as idle:
        idle.sendall(b"POST /api/v3/send-sms HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{")
        time.sleep(0.2)
        begun = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - begun < 10
        head, _, body = idle.recv(65_536).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body)["statusCode"] == 503


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--workers", "2", "--dev"], "requires PostgreSQL"),
        (["--dev", "--host", "0.0.0.0"], "loopback"),
        ([], "ostiary init"),
        (["--port", "70000"], "65535"),
        (["--database", "mysql://x"], "database"),
    ],
)
def test_a_start_is_refused_with_its_reason(data_folder, arguments, reason):
    code, out, err = run(data_folder, "serve", *arguments)
    assert (code, out) == (2, "")
    assert reason in err
    assert "Traceback" not in err


def test_the_inbox_is_refused_outside_of_dev_mode(data_folder):
    code, _, err = run(data_folder, "serve", environment={"OSTIARY_INBOX": "true"})
    assert code == 2
    assert "inbox" in err


def test_an_unknown_setting_is_refused_with_the_nearest_one(data_folder):
    code, _, err = run(data_folder, "serve", "--dev", environment={"OSTIARY_KEEP_ALIFE": "5"})
    assert code == 2
    assert "did you mean OSTIARY_KEEP_ALIVE?" in err


def test_a_port_that_is_taken_is_named(sqlite_service, data_folder):
    code, _, err = run(data_folder, "serve", "--dev", "--port", str(sqlite_service.port))
    assert code == 2
    assert str(sqlite_service.port) in err


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """What `ostiary init` made: the folder, and what it printed."""
    folder = tmp_path_factory.mktemp("installation") / "data"
    code, out, err = run(folder, "init", "--json")
    assert code == 0, err
    return folder, json.loads(out)


@pytest.fixture
def begun(installation, data_folder):
    """A copy of it: what it printed."""
    folder, made = installation
    shutil.copytree(folder, data_folder)
    return made


def test_init_prints_its_secrets_once_and_runs_once(data_folder, begun):
    made = begun
    assert set(made) == {"userPoolId", "appId", "appSecret", "accessKeyId", "accessKeySecret"}
    stored = b"".join(path.read_bytes() for path in data_folder.iterdir())
    assert made["appSecret"].encode() not in stored
    assert made["accessKeySecret"].encode() not in stored
    code, out, err = run(data_folder, "init")
    assert (code, out) == (2, "")
    assert "exists" in err


def test_what_init_made_is_served_and_has_no_dev_doors(data_folder, begun):
    process = launch(data_folder, "serve", "--port", "0")
    url = json.loads(first_line(process))["url"]
    with httpx2.Client(base_url=url, trust_env=False) as http:
        credentials = {name: begun[name] for name in ("accessKeyId", "accessKeySecret")}
        answer = http.post("/api/v3/get-management-token", json=credentials).json()
        assert answer["statusCode"] == 200
        for path in ("/dev/inbox", "/dev/inbox.json", "/dev/clock", "/"):
            assert http.get(path).status_code == 404
    assert end(process)[0] == 0


def test_dev_mode_and_real_installations_refuse_each_others_databases(data_folder, begun, tmp_path):
    code, _, err = run(data_folder, "serve", "--dev", "--port", "0")
    assert code == 2
    assert "not created by dev mode" in err
    service = start(tmp_path / "dev")
    service.stop()
    code, _, err = run(service.folder, "serve", "--port", "0")
    assert code == 2
    assert "created by dev mode" in err


@pytest.mark.parametrize("flaw", ["readable", "short", "constant", "missing ring", "not json"])
def test_weak_keys_are_refused(data_folder, begun, flaw):
    path = data_folder / "keys.json"
    rings = json.loads(path.read_text())
    if flaw == "readable":
        path.chmod(0o640)
    elif flaw == "short":
        rings["codes"][0]["secret"] = rings["codes"][0]["secret"][:20]
    elif flaw == "constant":
        rings["codes"][0]["secret"] = "QUFB" * 11
    elif flaw == "missing ring":
        del rings["audit"]
    if flaw != "readable":
        path.write_text("{" if flaw == "not json" else json.dumps(rings))
    code, out, err = run(data_folder, "serve", "--port", "0")
    assert (code, out) == (2, "")
    assert "keys.json" in err
    assert rings["tokens"][0]["secret"] not in err


def test_several_processes_share_one_port_and_one_clock(tmp_path, postgres_url):
    service = start(tmp_path / "data", postgres_url, "--workers", "2")
    person = service.person()
    headers = {"authorization": str(person.client._access_token), "connection": "close"}
    service.advance(hours=3)
    # Each on a connection of its own, so that each process gets some.
    refused = [service.http.get("/api/v3/get-profile", headers=headers).json()["apiCode"] for _ in range(12)]
    assert set(refused) == {2206}
    assert service.stop() == 0
