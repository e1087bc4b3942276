"""What is shown of a database's URL, and which hosts are this machine."""

import pytest

from ostiary.server.core.address import is_loopback
from ostiary.server.storage.url import password, place, without_password


@pytest.mark.parametrize(
    ("url", "where", "secret", "shown"),
    [
        ("sqlite:////var/x.db", "/var/x.db", None, "sqlite:////var/x.db"),
        ("postgresql://me:p@ss@db:5433/ids", "db:5433/ids", "p@ss", "postgresql://me:***@db:5433/ids"),
        ("postgres://me@db/ids", "db/ids", None, "postgres://me@db/ids"),
        ("postgresql:///ids?host=/run", "/ids", None, "postgresql:///ids?host=/run"),
    ],
)
def test_a_url_is_shown_without_who_may_enter(url, where, secret, shown):
    assert (place(url), password(url), without_password(url)) == (where, secret, shown)


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False), ("example.com", False)],
)
def test_this_machine_is_told_from_others(host, local):
    assert is_loopback(host) is local
