"""Which addresses our own requests may go to: public ones, and those that the operator named. Pure.

A URL that leads inside (a metadata service, a database, ourselves) must not be reached by way of a sender, however
its address is written or resolved: so not names are judged but the addresses that a connection is made to.
"""

import ipaddress
from collections.abc import Iterable, Sequence

from ostiary.server.core.address import Address, Network

_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")  # RFC 4291 §2.4: all of global unicast that was ever assigned
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_NEVER: tuple[Network, ...] = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # RFC 6890: protocol assignments
    ipaddress.IPv4Network("192.88.99.0/24"),  # RFC 7526: relays that nobody should use any more
    ipaddress.IPv4Network("168.63.129.16/32"),  # Azure: a machine's inside, under a public address
    ipaddress.IPv6Network("2001::/23"),  # RFC 2928: protocol assignments, Teredo (RFC 4380) among them
    ipaddress.IPv6Network("3fff::/20"),  # RFC 9637: documentation
)
"""What `is_global` of some Python releases takes for public, and is not."""


def is_public(address: Address) -> bool:
    """Whether an address is somebody's out there: one machine, and no inside of anything."""
    inner = embedded(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, ipaddress.IPv6Address) and address not in _PUBLIC_V6:
        return False
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_named(address: Address, named: Sequence[Network]) -> bool:
    """Whether the operator named this very address, or the IPv4 address within it."""
    ways = (address, embedded(address) or address)
    return any(way.version == network.version and way in network for way in ways for network in named)


def embedded(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 address is another way to: mapped, compatible, 6to4, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64 or 1 < int(address) < 2**32:  # RFC 4291 §2.5.5.1, but for :: and ::1
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour


def choose(found: Iterable[str], named: Sequence[Network], *, only_named: bool) -> list[str]:
    """Those of the resolved addresses that may be connected to, in the resolver's order."""
    chosen = []
    for text in found:
        address = ipaddress.ip_address(text)
        if is_named(address, named) or (not only_named and is_public(address)):
            chosen.append(text)
    return chosen
