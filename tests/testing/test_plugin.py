"""The plugin as its users meet it: found by its entry point, in pytest runs of other projects."""

import os
import signal
import subprocess
import sys
import time

import httpx2
import pytest

from ostiary.testing import NothingArrived, start

pytest_plugins = ["pytester"]


@pytest.fixture
def run(pytester: pytest.Pytester):
    """Run a project's tests in a process of its own; none of our configuration reaches it."""
    pytester.makeini("[pytest]\nfilterwarnings = error\nanyio_mode = auto\n")

    def run(**files: str) -> pytest.RunResult:
        pytester.makepyfile(**files)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:schemathesis")

    return run


def test_a_project_tests_its_change_of_number(run):
    result = run(
        test_change="""
        import pytest

        def test_threads(person, inbox):
            new = "13700137000"
            change = person.client.phone_change(new)
            assert change.send_codes() == ("new", "old")
            change.finish(
                new_code=inbox.code(new, "CHANNEL_BIND_PHONE"),
                old_code=inbox.code(person.phone, "CHANNEL_UNBIND_PHONE"),
            )
            assert person.client.get_profile().data.phone == new
            for told in (person.phone, new, person.email):
                assert inbox.message(told, "phone_changed").code is None

        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_tasks(people, inbox, anyio_backend):
            person, new = people(), "13700137001"
            async with person.async_client() as client:
                change = client.phone_change(new)
                await change.send_codes()
                await change.finish(
                    new_code=await inbox.code_async(new, "CHANNEL_BIND_PHONE"),
                    old_code=await inbox.code_async(person.phone, "CHANNEL_UNBIND_PHONE"),
                )
                assert (await client.get_profile()).data.phone == new
        """
    )
    result.assert_outcomes(passed=2)


def test_settings_clock_and_people(run):
    result = run(
        test_more="""
        import pytest
        from ostiary.client.errors import CodeExpired, ReauthenticationRequired

        NEW = "13700137000"

        def test_the_old_number_is_not_asked_for(person, pool_settings, clock):
            pool_settings(change_phone_strategy={"verifyOldPhone": False})
            change = person.client.phone_change(NEW, prove_old=False)
            change.send_codes()
            clock.advance(minutes=16)
            with pytest.raises(ReauthenticationRequired):
                change.finish("123456")

        def test_the_settings_are_back(ostiary_service):
            assert ostiary_service.management.get_security_settings().data.change_phone_strategy.verify_old_phone

        def test_a_code_ends(person, inbox, clock):
            person.client.send_sms("CHANNEL_BIND_PHONE", NEW)
            code = inbox.code(NEW, "CHANNEL_BIND_PHONE")
            clock.advance(seconds=301)
            with pytest.raises(CodeExpired):
                person.client.phone_change(NEW, prove_old=False)
                person.client.verify_update_phone_request({
                    "newPhoneNumber": NEW, "newPhonePassCode": code,
                    "oldPhoneNumber": person.national, "oldPhonePassCode": "123456",
                })

        def test_people(people, ostiary_service):
            zhang = people("zhang", phone=False, name="Zhang")
            profile = zhang.client.get_profile().data
            assert (profile.username, profile.name, profile.phone) == ("zhang", "Zhang", None)
            with pytest.raises(ValueError):
                zhang.national
            assert zhang.sign_in().get_profile().data.user_id == zhang.user_id
            assert ostiary_service.client().get_new_access_token_by_refresh_token(zhang.refresh_token).access_token
            for secret in (zhang.password, zhang.access_token, zhang.refresh_token):
                assert secret not in repr(zhang)

        def test_the_clock_goes_forward(clock):
            with pytest.raises(ValueError):
                clock.advance(seconds=-1)
        """
    )
    result.assert_outcomes(passed=5)


def test_a_message_that_does_not_come_is_told_with_what_came(run):
    result = run(
        test_nothing="""
        def test_nothing(person, inbox):
            person.client.send_sms("CHANNEL_BIND_PHONE", "13700137000")
            inbox.code("13700137001", "CHANNEL_BIND_PHONE", timeout=0.1)
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*no CHANNEL_BIND_PHONE code arrived at +8613700137001; the inbox holds: *BIND_PHONE to +8613700137000"
        ]
    )


def test_a_project_may_have_fixtures_of_these_names(run):
    result = run(
        conftest="""
        import pytest

        @pytest.fixture
        def inbox():
            return "theirs"

        @pytest.fixture
        def clock():
            return "theirs"
        """,
        test_names="""
        def test_names(inbox, clock, person, pool_settings):
            assert inbox == clock == "theirs"
            person.client.send_sms("CHANNEL_BIND_PHONE", "13700137000")
            assert person.service.inbox.code("13700137000")
        """,
    )
    result.assert_outcomes(passed=1)


def test_a_run_that_does_not_use_it_loads_nothing_of_it(run):
    result = run(
        test_light="""
        import sys

        def test_light():
            loaded = {name for name in sys.modules if name.startswith("ostiary")}
            assert loaded <= {"ostiary", "ostiary.testing", "ostiary.testing.plugin"}
            assert "httpx2" not in sys.modules
        """
    )
    result.assert_outcomes(passed=1)


def test_a_proxy_of_the_environment_has_no_business_on_loopback(run, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    result = run(
        test_proxy="""
        import httpx2
        import pytest
        from ostiary.client.errors import UsageError

        def test_threads(person):
            assert person.client.get_profile().data.phone

        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_tasks(person, anyio_backend):
            async with person.async_client() as client:
                assert (await client.with_options(lang="zh-CN").get_profile()).data.phone
            with pytest.raises(UsageError, match="closed"):
                await client.get_profile()
            async with httpx2.AsyncClient(trust_env=False) as own, person.async_client(http_client=own) as client:
                assert (await client.get_profile()).data.phone
        """
    )
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "child", ["", "multiprocessing.get_context('fork').Process(target=time.sleep, args=(30,)).start()"]
)
def test_a_killed_run_leaves_nothing_behind(pytester, monkeypatch, child):
    """Nor where a child that it forked lives on."""
    scratch = pytester.mkdir("scratch")
    monkeypatch.setenv("TMPDIR", str(scratch))
    test = pytester.makepyfile(
        f"""
        import multiprocessing
        import time

        def test_long(ostiary_service):
            {child}
            print(ostiary_service.url, flush=True)
            time.sleep(60)
        """
    )
    command = [sys.executable, "-m", "pytest", "-qs", "-p", "no:cacheprovider", "-p", "no:schemathesis", test]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = next(line.strip() for line in process.stdout if line.startswith("http"))
        assert httpx2.get(f"{url}/healthz", trust_env=False).status_code == 200
        os.kill(process.pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while list(scratch.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not list(scratch.iterdir())
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url, trust_env=False)


# ── without pytest ──────────────────────────────────────────────────────────────────────────


def test_without_pytest_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("OSTIARY_PORT", "a setting of the developer's own")
    with start() as service:
        assert service.person().client.get_profile().data.phone
        assert '"event"' in service.log()
        assert service.folder.is_relative_to(tmp_path)
        process = subprocess.run(
            ["pgrep", "-f", str(service.folder)], capture_output=True, text=True, check=False
        ).stdout
        assert process
    assert list(tmp_path.iterdir()) == []


def test_what_comes_later_is_waited_for(tmp_path):
    with start() as service:
        person, new = service.person(), "13700137000"
        person.client.send_sms("CHANNEL_BIND_PHONE", new)
        first = service.inbox.message(new)
        began = time.monotonic()
        with pytest.raises(NothingArrived):
            service.inbox.message(new, after=first, timeout=0.2)
        assert time.monotonic() - began >= 0.2
        service.clock.advance(minutes=2)
        person.client.send_sms("CHANNEL_BIND_PHONE", new)
        again = service.inbox.message(new, after=first)
        assert (again.code, again.channel) == (first.code, first.channel)
        service.inbox.clear()
        assert service.inbox.messages() == []


def test_a_code_is_looked_for_behind_the_notices():
    with start() as service:
        person, new = service.person(), "13700137000"
        person.client.send_sms("CHANNEL_BIND_PHONE", new)
        code = service.inbox.code(new)
        change = person.client.phone_change(new)
        service.clock.advance(minutes=1)
        change.send_codes()
        change.finish(code, service.inbox.code(person.phone or ""))
        told = service.inbox.message(new, "phone_changed")
        assert service.inbox.code(new) == code
        with pytest.raises(NothingArrived, match="no code arrived"):
            service.inbox.code(new, after=told, timeout=0.1)
        with pytest.raises(NothingArrived, match="no phone_changed code arrived"):
            service.inbox.code(new, "phone_changed", timeout=0.1)


def test_a_service_that_does_not_start_says_why():
    program = "from ostiary.testing import start\nwith start('--workers', '2'): pass"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "NotStarted" in done.stderr
    assert "SQLite" in done.stderr
