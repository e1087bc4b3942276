"""Who is calling, from where, in which language: believed as far as the installation's settings go."""

import base64

import pytest

from ostiary.server.core.call import NOBODY, ClientSecret
from ostiary.server.web.callers import UNKNOWN_ADDRESS, Callers, language
from tests.workbench import Workbench

PROXY, BACKEND, CLIENT = "10.0.0.1", "10.1.0.7", "203.0.113.9"


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def bench(sqlite_url):
    bench = Workbench(sqlite_url)
    yield bench
    await bench.close()


@pytest.fixture
def callers(bench):
    return Callers(bench.service.signer, trusted_proxies=["10.0.0.0/24"], backends=["10.1.0.0/16"])


def told(**headers):
    return {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in headers.items()}


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        # nobody is believed who is not configured
        (CLIENT, {}, CLIENT),
        (CLIENT, {"x_real_ip": "198.51.100.1"}, CLIENT),
        (CLIENT, {"x_forwarded_for": "198.51.100.1"}, CLIENT),
        # a proxy: the nearest hop that is none; what is left of it anybody may have written
        (PROXY, {"x_forwarded_for": CLIENT}, CLIENT),
        (PROXY, {"x_forwarded_for": f"198.51.100.1, {CLIENT}"}, CLIENT),
        (PROXY, {"x_forwarded_for": f"198.51.100.1, {CLIENT}, 10.0.0.9"}, CLIENT),
        (PROXY, {"x_forwarded_for": f"{CLIENT}, nonsense"}, PROXY),
        (PROXY, {"x_forwarded_for": ""}, PROXY),
        (PROXY, {"x_real_ip": CLIENT}, PROXY),
        (PROXY, {}, PROXY),
        # a backend: x-real-ip, or its own ask
        (BACKEND, {"x_real_ip": CLIENT}, CLIENT),
        (BACKEND, {}, ""),
        (BACKEND, {"x_real_ip": "nonsense"}, ""),
        (BACKEND, {"x_forwarded_for": CLIENT}, ""),
        # a backend behind a proxy
        (PROXY, {"x_forwarded_for": BACKEND, "x_real_ip": CLIENT}, CLIENT),
        (PROXY, {"x_forwarded_for": BACKEND, "x_real_ip": BACKEND}, ""),
        # IPv6 counts by /64, and IPv4 inside IPv6 is IPv4
        ("2001:db8:1:2:3:4:5:6", {}, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", {}, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", {}, CLIENT),
        (PROXY, {"x_forwarded_for": "2001:db8::1"}, "2001:db8::/64"),
        ("fe80::1%eth0", {}, "fe80::/64"),
        # a UNIX socket has no address, which is not the same as a backend's
        (None, {}, UNKNOWN_ADDRESS),
        ("", {"x_real_ip": CLIENT}, UNKNOWN_ADDRESS),
    ],
)
async def test_addresses_in_headers_count_from_configured_peers_only(callers, peer, headers, address):
    assert callers.address(told(**headers), peer) == address


async def test_a_proxy_may_tell_the_address_in_x_real_ip_instead(bench):
    callers = Callers(bench.service.signer, trusted_proxies=[PROXY], proxy_header="x-real-ip")
    assert callers.address(told(x_real_ip=CLIENT, x_forwarded_for="198.51.100.1"), PROXY) == CLIENT
    assert callers.address(told(x_real_ip=CLIENT), CLIENT) == CLIENT
    assert callers.address(told(x_forwarded_for=CLIENT), PROXY) == PROXY


@pytest.mark.parametrize("family", ["genauth", "authing"])
async def test_both_header_families_name_app_pool_and_language(callers, family):
    headers = {
        f"x-{family}-app-id".encode(): b"app-1",
        f"x-{family}-userpool-id".encode(): b"pool-1",
        f"x-{family}-lang".encode(): b"en-US",
    }
    call = await callers.read(headers, CLIENT, "r")
    assert (call.app_id, call.pool_id, call.lang, call.lang_given) == ("app-1", "pool-1", "en-US", True)


async def test_without_headers_nothing_is_made_up(callers):
    call = await callers.read({}, CLIENT, "r")
    assert (call.user, call.manager, call.token_given, call.client) == (NOBODY, NOBODY, False, None)
    assert (call.app_id, call.pool_id, call.lang, call.lang_given, call.device) == (
        None,
        None,
        "zh-CN",
        False,
        "",
    )


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (basic("app-1:secret"), ClientSecret("app-1", "secret", "basic")),
        (basic("app-1:se:cret"), ClientSecret("app-1", "se:cret", "basic")),
        (basic("app-1:"), ClientSecret("app-1", "", "basic")),
        (basic("app-1"), None),
        (basic(":secret"), None),
        ("Basic !!!", None),
        ("Basic /w==", None),
        ("basic " + base64.b64encode(b"a:b").decode(), ClientSecret("a", "b", "basic")),
    ],
)
async def test_basic_is_a_clients_secret_and_no_token(callers, header, client):
    call = await callers.read(told(authorization=header), CLIENT, "r")
    assert call.client == client
    assert (call.user, call.token_given) == (NOBODY, False)


@pytest.mark.parametrize(
    "header", ["\xff\xfe", "Bearer", "Bearer \x00", "a b c", "Bearer a, Bearer b", "é" * 9_000]
)
async def test_what_cannot_be_read_counts_as_absent_or_bad_and_raises_nothing(callers, header):
    headers = told(
        authorization=header, x_genauth_lang="\xff", accept_language="\xff;q=\xff", user_agent="\x00\x1b[31m"
    )
    call = await callers.read(headers, "\xff", "r")
    assert call.user == NOBODY
    assert call.device == "[31m"
    assert call.address == UNKNOWN_ADDRESS


async def test_long_headers_are_cut_and_match_nothing(callers):
    headers = told(x_genauth_app_id="a" * 5_000, user_agent="u" * 5_000)
    call = await callers.read(headers, CLIENT, "r")
    assert len(call.app_id or "") == 128
    assert len(call.device) == 200


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", None),
        ("fr", None),
        ("en", "en-US"),
        ("zh-TW, en;q=0.9", "zh-CN"),
        ("fr, en;q=0.5, zh;q=0.8", "zh-CN"),
        ("en;q=0, zh;q=0.1", "zh-CN"),
        ("*", None),
        ("en;q=9, zh", "zh-CN"),
        ("en;q=, zh;level=1", None),
    ],
)
def test_accept_language_by_weight(header, lang):
    assert language(told(accept_language=header)) == lang


def test_a_named_language_goes_before_the_browsers():
    assert language(told(accept_language="zh", x_authing_lang="en-US")) == "en-US"
    assert language(told(accept_language="zh", x_authing_lang="xx")) == "zh-CN"
