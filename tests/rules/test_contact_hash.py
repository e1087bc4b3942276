"""What the audit trail knows a number, an address or a typed name by."""

from ostiary.server.core.credentials import username_key
from ostiary.server.core.keyring import KeyRing, RootKey, RootKeys
from ostiary.server.core.millis import MINUTE, Millis
from ostiary.server.core.ports import Ports
from ostiary.server.guards import audit

OLD = RootKey("audit-1", b"1" * 32, Millis(0), retired_at=Millis(MINUTE))
NEW = RootKey("audit-2", b"2" * 32, Millis(MINUTE))


def ports(*keys: RootKey) -> Ports:
    return Ports(RootKeys({"audit": KeyRing("audit", keys)}))


def test_equal_ones_stay_equal_when_the_key_is_rotated() -> None:
    known = audit.contact_hash(ports(OLD), "pool", "+8613800138000")
    assert audit.contact_hash(ports(NEW, OLD), "pool", "+8613800138000") == known
    assert audit.contact_hash(ports(NEW), "pool", "+8613800138000") != known, "another installation's"
    assert audit.contact_hash(ports(OLD), "other", "+8613800138000") != known
    assert audit.contact_hash(ports(OLD), "pool", None) is None


def test_names_that_strangers_type_fill_no_memory() -> None:
    """What is remembered by its text is so many texts at most, each as long as the longest name may become."""
    longest = username_key("\ufdfa" * 256)
    kept = audit._contact_hash.cache_info().maxsize
    assert kept is not None
    assert kept * len(longest) * 2 < 8 * 2**20, "two bytes a character"
