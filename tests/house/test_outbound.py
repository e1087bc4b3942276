"""Requests of our own go out through one door, which judges where they go (server/delivery/outbound.py)."""

import pytest

from tests.house.walk import Finding, Module, check_tree, imports, snippet

SERVER = "ostiary.server"
DOOR = "ostiary.server.delivery.outbound"
DOORS = {DOOR, "ostiary.server.delivery.outbound_mail"}
CLIENTS = (
    "aiohttp",
    "aiosmtplib",
    "ftplib",
    "http.client",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "requests",
    "smtplib",
    "urllib.request",
    "urllib3",
    "websockets",
)


def other_doors(module: Module):
    if not module.inside(SERVER) or module.name in DOORS:
        return
    for node, name in imports(module):
        if any(name == client or name.startswith(f"{client}.") for client in CLIENTS):
            yield Finding(node.lineno, f"{name}: requests go out through delivery/outbound.py")


def test_there_is_one_way_out():
    check_tree(other_doors)


@pytest.mark.parametrize(
    "bad",
    ["import httpx2", "from urllib.request import urlopen", "from urllib import request", "import smtplib"],
)
def test_another_way_out_is_found(bad):
    assert list(other_doors(snippet(bad, "ostiary.server.delivery.providers.bad")))


def test_the_door_itself_and_taking_urls_apart_are_no_finding():
    assert not list(other_doors(snippet("import httpx2", DOOR)))
    assert not list(other_doors(snippet("from urllib.parse import urlsplit", "ostiary.server.web.good")))
