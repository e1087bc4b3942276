"""README's comparison of the two SDKs, measured: the same calls by both against the same server.

What `tests/wire/test_client_compat.py` shows already (refusals, Basic, revocation) is not shown again.
"""

import inspect
import time

import genauth
import pytest
from urllib3.exceptions import InsecureRequestWarning

import ostiary
from ostiary import APITimeoutError, AuthenticationClient
from ostiary.client.errors import CertificateRefused
from tests.wire.scripted_server import Answer, serving
from tests.wire.test_client_transport import self_signed  # noqa: F401 - a fixture

CALLS = 5


def theirs(url, **options):
    return genauth.AuthenticationClient(app_id="app", app_host=url, **options)


def test_five_calls_are_five_connections_and_one():
    with serving() as server:
        for client, connections in [
            (theirs(server.url), CALLS),
            (AuthenticationClient("app", server.url), 1),
        ]:
            server.asked.clear()
            for _ in range(CALLS):
                client.send_sms("CHANNEL_LOGIN", "13800138000")
            assert server.connections == connections


@pytest.mark.parametrize("options", [{}, {"use_unverified_ssl": False}])
def test_certificates_are_never_checked_and_always(self_signed, options):  # noqa: F811 - the fixture
    with serving(self_signed) as server:
        with pytest.warns(InsecureRequestWarning):
            theirs(server.url, **options).send_sms("CHANNEL_LOGIN", "13800138000")
        assert len(server.asked) == 1
        with pytest.raises(CertificateRefused):
            AuthenticationClient("app", server.url, **options).send_sms("CHANNEL_LOGIN", "13800138000")
        assert len(server.asked) == 1


def test_a_timeout_is_ignored_and_kept():
    with serving() as server:
        server.script = [Answer({"statusCode": 200, "message": "", "requestId": ""}, delay=0.6)]
        began = time.monotonic()
        theirs(server.url, timeout=0.2).send_sms("CHANNEL_LOGIN", "13800138000")
        assert time.monotonic() - began >= 0.6
        with pytest.raises(APITimeoutError):
            AuthenticationClient("app", server.url, timeout=0.2).send_sms("CHANNEL_LOGIN", "13800138000")


def test_async_is_absent_and_there():
    assert not any(
        inspect.iscoroutinefunction(method)
        for name, method in vars(genauth.AuthenticationClient).items()
        if name != "sub_event"
    )
    assert inspect.iscoroutinefunction(ostiary.AsyncAuthenticationClient.update_phone)
