"""Where our own requests may go: forty ways to write an inside address, and none of them leads there."""

import asyncio
import ipaddress
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.server.core.address import networks
from ostiary.server.delivery.addresses import choose, embedded, is_public
from ostiary.server.delivery.outbound import ForbiddenError, Outbound, Target

INSIDE = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "2130706433", "0x7f000001", "0x7f.1",
    "0x7f.0x0.0x0.0x1", "0177.0.0.1", "017700000001", "0177.1", "10.0.0.1", "10.1", "172.16.0.1", "172.31.255.255",
    "192.168.0.1", "192.168.1", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "100.64.0.1",
    "100.100.100.200", "198.18.0.1", "192.0.0.8", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]",
    "[2001:0:a9fe:a9fe::1]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]",
    "[3fff::1]", "[5f00::1]", "localhost", "LOCALHOST", "localhost.",
]  # fmt: skip
TLS = ssl.create_default_context()
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"]  # fmt: skip


def test_there_are_forty_at_least():
    assert len(set(INSIDE)) >= 40


@pytest.mark.parametrize("host", INSIDE)
def test_an_inside_address_is_not_connected_to_however_it_is_written(host):
    async def ask():
        outbound = Outbound(tls=TLS)
        try:
            await outbound.post(Target.parse(f"https://{host}:9/"), {}, b"{}")
        finally:
            await outbound.close()

    # Written so that nothing resolves it, or resolved to an address that is refused: never a connection's error.
    with pytest.raises((ForbiddenError, ValueError, OSError)) as caught:
        asyncio.run(ask())
    if type(caught.value) is OSError:
        assert "can't be resolved" in str(caught.value.__cause__), caught.value.__cause__


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are(text):
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_plain_http_goes_to_named_networks_only(text):
    assert choose([text], (), only_named=True) == []
    assert choose([text], networks([text]), only_named=True) == [text]


def test_what_the_operator_names_may_be_reached_and_nothing_beside_it():
    named = networks(["10.1.0.0/16", "fd00:1::/32"])
    found = ["10.1.2.3", "10.2.0.1", "::ffff:10.1.9.9", "fd00:1::7", "fd00:2::7", "8.8.8.8"]
    assert choose(found, named, only_named=False) == ["10.1.2.3", "::ffff:10.1.9.9", "fd00:1::7", "8.8.8.8"]


@given(st.ip_addresses(v=4))
def test_an_address_within_an_address_is_judged_like_itself(inner):
    ways = [
        f"::ffff:{inner}",
        str(ipaddress.IPv6Address((0x64FF9B << 96) + int(inner))),
        str(ipaddress.IPv6Address((0x2002 << 112) + (int(inner) << 80))),
    ]
    for way in ways:
        assert embedded(ipaddress.ip_address(way)) == inner
        assert is_public(ipaddress.ip_address(way)) == is_public(inner)


@given(st.ip_addresses())
def test_what_the_library_calls_private_is_never_public(address):
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert not is_public(address) or embedded(address) is not None


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "ftp://example.com/", "//example.com", "https://", "https:///path", "file:///etc/passwd",
        "https://user@example.com/", "https://user:pass@example.com/", "https://example.com/#part",
        "https://example.com\\@10.0.0.1/", "https://example.com /", "https://exa\nmple.com/", "https://ex\u0430mple.com/",
        "https://１２７.0.0.1/", "https://127。0。0。1/", "https://example.com:99999/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_plain_url_is_refused(url):
    with pytest.raises(ValueError, match=r"."):
        Target.parse(url)


def test_a_url_is_taken_apart_once():
    target = Target.parse("HTTPS://Example.COM/send?key=1")
    assert (target.scheme, target.host, target.port, target.path) == (
        "https",
        "example.com",
        443,
        b"/send?key=1",
    )
    assert "key" not in repr(target)
    assert Target.parse("https://[2606:4700::1]:8443").host == "2606:4700::1"
