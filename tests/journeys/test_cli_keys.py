"""Rotating keys: nothing made before or meanwhile stops being good, and a leaked key can be withdrawn."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from ostiary import OstiaryError
from ostiary.server import keyfile
from tests.authenticator import enrolled, finished
from tests.journeys.hands import send
from tests.journeys.test_encrypted_passwords import by_rsa, by_sm2
from tests.service import BIND, LOGIN, UNBIND, clean_environment, start
from tests.shell import Shell


@pytest.fixture
def served(tmp_path, database):
    """On PostgreSQL two processes: what one of them makes with a new key, the other must be able to read."""
    several = () if database.startswith("sqlite") else ("--workers", "2")
    service = start(tmp_path / "data", database, *several)
    yield service, Shell(tmp_path / "data", database)
    service.stop()


def kid(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def new_token(person):
    signed_in = person.service.client().sign_in_by_username_password(person.username, person.password)
    return signed_in.data.access_token


def states(shell):
    return [(key["purpose"], key["state"]) for key in shell("keys", "list", "--json").json]


def test_under_load_nothing_fails_and_what_was_made_before_still_works(served):
    service, shell = served
    person = service.person()
    new = service.number()
    person.client.send_sms(BIND, new[3:])
    person.client.send_sms(UNBIND, person.national)
    codes = service.code(new, BIND), service.code(person.phone, UNBIND)
    before = service.signed_in(person.username, person.password, scope="openid offline_access")
    failures, rounds, stop = [], [0], threading.Event()

    def use() -> None:
        while not stop.is_set():
            try:
                number = service.number()
                send(service.client(), LOGIN, number)
                tokens = service.client().sign_in_by_phone_passcode(
                    number[3:], service.code(number, LOGIN), options={"autoRegister": True}
                )
                service.client(tokens.data.access_token).get_profile()
                before.get_profile()
                rounds[0] += 1
            except (OstiaryError, AssertionError) as error:
                failures.append(repr(error))

    worker = threading.Thread(target=use)
    worker.start()
    for _ in range(2):
        shell("keys", "rotate", "--wait", "2.5")
    stop.set()
    worker.join()
    assert failures == []
    assert rounds[0] >= 5
    granted = person.client.verify_update_phone_request(
        {
            "newPhoneNumber": new[3:],
            "newPhonePassCode": codes[0],
            "oldPhoneNumber": person.national,
            "oldPhonePassCode": codes[1],
        },
        "PHONE_PASSCODE",
    ).data
    shell("keys", "rotate", "--purpose", "tokens", "--wait", "2.5")
    assert person.client.update_phone(granted.update_phone_token).data.success
    assert shell.sealed()["whole"]


def published(service, count):
    """Whether `jwks.json` shows so many keys: a running service hears of new ones within a second."""
    until = time.monotonic() + 10
    while len(service.http.get("/oidc/.well-known/jwks.json").json()["keys"]) != count:
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def test_a_new_signing_key_is_published_before_it_signs_and_the_old_one_stays(served):
    service, shell = served
    person = service.person()
    old = kid(new_token(person))
    shell("keys", "rotate", "--purpose", "signing")
    assert published(service, 2)
    assert kid(new_token(person)) == old
    service.advance(minutes=10)
    token = new_token(person)
    assert kid(token) != old
    person.client.get_profile()
    service.client(token).get_profile()
    assert states(shell)[-2:] == [("signing", "makes"), ("signing", "stays")]
    assert not shell("keys", "prune", "--json").json["dropped"]
    service.advance(days=1, hours=1)
    dropped = shell("keys", "prune", "--json").json["dropped"]
    assert f"signing {old}" in dropped


def test_a_leaked_signing_key_is_withdrawn_with_its_tokens(served):
    service, shell = served
    person = service.person()
    person.client.get_profile()
    shell("keys", "rotate", "--purpose", "signing", "--at-once")
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            person.client.get_profile()
        except OstiaryError:
            break
        time.sleep(0.1)
    with pytest.raises(OstiaryError):
        person.client.get_profile()
    person.signed_in().get_profile()


def test_app_secrets_survive_a_rotation_of_the_sealing_key(served):
    service, shell = served
    person, ann = service.person(), service.person()
    authenticator, _ = enrolled(ann)
    done = shell("keys", "rotate", "--purpose", "seal", "--wait", "2", "--at-once", "--json").json
    assert done["resealed"] == 3, "the signing key, the application's secret, the authenticator's secret"
    assert len(done["dropped"]) == 1
    time.sleep(1.5)
    person.signed_in().get_profile()
    service.restart()
    person.signed_in().get_profile()
    assert finished(ann, authenticator).get_profile().data.user_id == ann.user_id


def test_only_keys_of_codes_tokens_and_seal_ever_leave(lite):
    for _ in range(2):
        lite("keys", "rotate", "--wait", "0", "--at-once")
    found = states(lite)
    assert found.count(("audit", "stays")) == 2
    assert [state for purpose, state in found if purpose != "audit"] == ["makes"] * 4


def test_an_interrupted_rotation_is_completed_by_the_next(lite):
    path = lite.folder / "keys.json"
    stored = json.loads(path.read_text())
    key = keyfile.make_key(stored["codes"][0]["madeAt"])
    secret = base64.urlsafe_b64encode(key.secret).decode()
    stored["codes"].insert(0, {"id": key.id, "secret": secret, "madeAt": key.made_at, "waiting": True})
    path.write_text(json.dumps(stored))
    assert states(lite)[:2] == [("codes", "waiting"), ("codes", "makes")]
    assert "interrupted" in lite("doctor", code=1).out
    lite("keys", "rotate", "--purpose", "codes", "--wait", "0")
    assert states(lite)[:3] == [("codes", "makes"), ("codes", "stays"), ("tokens", "makes")]


def test_two_rotations_at_once_are_one(lite):
    with keyfile.held(lite.folder / "keys.json"):
        assert "another process" in lite("keys", "rotate", code=2).err


def test_the_file_keeps_its_mode_and_a_broken_one_changes_nothing(tmp_path, sqlite_url):
    service = start(tmp_path / "data", sqlite_url)
    path = tmp_path / "data" / "keys.json"
    try:
        Shell(tmp_path / "data", sqlite_url)("keys", "rotate", "--wait", "0", "--purpose", "codes")
        assert path.stat().st_mode & 0o777 == 0o600
        whole = path.read_text()
        path.write_text(whole[:100])
        until = time.monotonic() + 10
        while "keys_not_read" not in service.log() and time.monotonic() < until:
            time.sleep(0.1)
        assert "keys_not_read" in service.log()
        number = service.number()
        send(service.client(), LOGIN, number)
        assert service.code(number, LOGIN)
        path.write_text(whole)
    finally:
        with contextlib.suppress(ProcessLookupError):
            service.stop()


def test_another_installations_file_is_not_taken_for_a_rotation(tmp_path, sqlite_url):
    other = Shell(tmp_path / "other", f"sqlite:///{tmp_path}/other.db").begun()
    service = start(tmp_path / "data", sqlite_url)
    path = tmp_path / "data" / "keys.json"
    try:
        person = service.person()
        own = path.read_bytes()
        path.write_bytes((other.folder / "keys.json").read_bytes())
        until = time.monotonic() + 10
        while "another installation's" not in service.log() and time.monotonic() < until:
            time.sleep(0.1)
        assert "another installation's" in service.log()
        person.signed_in().get_profile()
        path.write_bytes(own)
    finally:
        assert service.stop() == 0


AT_A_TERMINAL = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's jobs in the background ignore Ctrl-C, and so do their children
runpy.run_module("ostiary.cli", run_name="__main__")
"""


def test_a_rotation_says_that_it_waits_and_what_is_left_when_nobody_does(lite):
    said = lite("keys", "rotate", "--purpose", "codes", "--wait", "0.2")
    assert "They become active in 0.2 s" in said.err
    assert "active" not in lite("keys", "rotate", "--purpose", "codes", "--wait", "0").err
    before = states(lite)
    command = [sys.executable, "-c", AT_A_TERMINAL, "keys", "rotate", "--wait", "60", *lite.place]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clean_environment()) as process:
        assert process.stderr is not None
        assert "They become active in 60 s" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 1
        left = process.stderr.read()
    assert "interrupted; no key was activated. Run `ostiary keys rotate` again." in left
    assert [state for state in states(lite) if state[1] != "waiting"] == before
    lite("keys", "rotate", "--wait", "0")
    assert ("codes", "waiting") not in states(lite)


def test_sighup_makes_a_service_look_and_stops_nothing(tmp_path, sqlite_url):
    service = start(tmp_path / "data", sqlite_url)
    try:
        os.kill(service.process.pid, signal.SIGHUP)
        time.sleep(0.3)
        assert service.http.get("/healthz").status_code == 200
    finally:
        assert service.stop() == 0


def test_a_client_may_go_on_encrypting_with_the_public_key_before(tmp_path, sqlite_url):
    service = start(tmp_path / "data", sqlite_url)
    shell = Shell(tmp_path / "data", sqlite_url)
    rotate = ("keys", "rotate", "--wait", "0", "--purpose")
    try:
        person = service.person(sign_in=False)
        client = service.client()

        def signs_in(kind, text):
            with contextlib.suppress(OstiaryError):
                return client.sign_in_by_username_password(
                    person.username, text, options={"passwordEncryptType": kind}
                ).data.access_token

        old = client.get_system_info()
        sealed = {
            "rsa": by_rsa(old.rsa.public_key, person.password),
            "sm2": by_sm2(old.sm2.public_key, person.password),
        }
        shell(*rotate, "passwords")
        shell(*rotate, "seal")  # their private halves are sealed anew
        service.restart()
        assert client.get_system_info() == old  # for ten seconds more
        service.advance(11)
        new = client.get_system_info()
        assert new.rsa != old.rsa
        assert new.sm2 != old.sm2
        assert all(signs_in(kind, text) for kind, text in sealed.items())
        assert signs_in("rsa", by_rsa(new.rsa.public_key, person.password))
        assert signs_in("sm2", by_sm2(new.sm2.public_key, person.password))
        assert states(shell).count(("passwords", "stays")) == 2
        shell(*rotate, "passwords", "--at-once")
        until = time.monotonic() + 10
        while any(signs_in(kind, text) for kind, text in sealed.items()) and time.monotonic() < until:
            time.sleep(0.1)
        assert not any(signs_in(kind, text) for kind, text in sealed.items())
    finally:
        service.stop()


def test_nothing_secret_is_listed(lite):
    said = lite("keys", "list", "--json").out + lite("keys", "rotate", "--wait", "0").out
    for ring in json.loads((lite.folder / "keys.json").read_text()).values():
        assert all(key["secret"] not in said for key in ring)


def test_where_an_application_is_es256_both_kinds_of_key_rotate(served):
    service, shell = served
    person = service.person()
    by_rs256 = str(person.client._access_token)
    before = states(shell).count(("signing", "makes"))
    shell("settings", "set", "--app", service.ids["appId"], "signingAlg", "ES256")
    try:
        assert states(shell).count(("signing", "makes")) == before + 1, "it is there before it is wanted"
        by_es256 = new_token(person)
        shell("keys", "rotate", "--purpose", "signing")
        assert published(service, 4)
        service.advance(minutes=10)
        token = new_token(person)
        assert kid(token) not in {kid(by_es256), kid(by_rs256)}
        assert states(shell).count(("signing", "makes")) == before + 1
        for good in (by_rs256, by_es256, token):
            service.client(good).get_profile()
    finally:
        shell("settings", "set", "--app", service.ids["appId"], "signingAlg", "RS256")
