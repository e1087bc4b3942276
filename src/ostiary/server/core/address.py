"""Addresses of callers in the one spelling that limits count by, and the networks that they lie in."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4_096)
def read_address(text: str) -> Address | None:
    """An address as somebody wrote it; an IPv4 address that is mapped into IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4_096)
def counted_as(address: Address) -> str:
    """What limits count by: an IPv6 user has a /64 at least, so one of its addresses means nothing."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """`10.1.0.0/16`, `127.0.0.1`, `fd00::/8` as networks, as settings name them. Raises ValueError."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks; an IPv4 address in no IPv6 network, and the other way round."""
    return any(address in network for network in networks)


def read_networks(text: str) -> tuple[Network, ...] | None:
    """Networks, one a line or separated by commas; None: something in it is none."""
    parts = text.replace(",", " ").replace(";", " ").split()
    try:
        return tuple(ipaddress.ip_network(part, strict=False) for part in parts)
    except ValueError:
        return None


def is_inside(counted: str, networks: Iterable[Network]) -> bool:
    """Whether what limits count by lies in one of the networks."""
    try:
        here = ipaddress.ip_network(counted)
    except ValueError:
        return False
    return any(_holds(network, here) for network in networks)


def is_loopback(host: str) -> bool:
    """Whether a host, by address or as `localhost`, is this machine. Other names are not looked up."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _holds(network: Network, here: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(here, ipaddress.IPv4Network) and here.subnet_of(network)
    return isinstance(here, ipaddress.IPv6Network) and here.subnet_of(network)
