"""Which root keys, databases and key files belong together."""

import pytest

from ostiary.server import keyfile
from ostiary.server.core.keyring import KeyRing, RootKeys
from ostiary.server.core.millis import Millis
from ostiary.server.core.ports import Ports
from ostiary.server.guards import signing_keys
from ostiary.server.guards.one_installation import are_related, require_opened
from ostiary.server.guards.sealing import UnsealError


def rotated(keys, purpose, *, kept):
    """With a new key of this purpose; the old ones stay where `kept`."""
    ring = keys.ring(purpose)
    others = tuple(ring.keys) if kept else ()
    new = KeyRing(purpose, (keyfile.make_key(Millis(1)), *others))
    return RootKeys({**keys.rings, purpose: new})


def test_one_row_that_does_not_open_is_enough_to_tell_keys_apart():
    before = keyfile.make()
    complete = rotated(before, "seal", kept=True)
    old = signing_keys.new_key(Ports(before), "pool")
    newest = signing_keys.new_key(Ports(complete), "pool")
    require_opened(Ports(complete), [old, newest])
    pruned = RootKeys({**complete.rings, "seal": KeyRing("seal", complete.ring("seal").keys[:1])})
    require_opened(Ports(pruned), [newest])
    with pytest.raises(UnsealError):
        require_opened(Ports(pruned), [old, newest])


def test_files_with_a_key_of_the_audit_trail_in_common_are_related():
    keys = keyfile.make()
    assert are_related(rotated(keys, "audit", kept=True), keys)
    assert are_related(rotated(keys, "seal", kept=False), keys)
    assert not are_related(keyfile.make(), keys)
