"""Addresses of callers in the one spelling that limits count by."""

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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
