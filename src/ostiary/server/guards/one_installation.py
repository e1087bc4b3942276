"""Whether root keys and a database, or two sets of root keys, are of one installation. Only looks at what it is given.

Root keys are those of a database if they open its signing keys. While an installation lives, no root key leaves its
ring as long as anything is sealed under it (`upkeep.rotation.may_go`): the newest row speaks for all of them, and a
start looks at that one. A database that was put back may be older than the last rotation, whose outdated keys went
because nothing was sealed under them any more in the database that is gone: after a restore every row is looked at.
"""

from collections.abc import Iterable

from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.ports import Ports
from ostiary.server.guards import sealing
from ostiary.server.storage.keys import SigningKeyRow


def require_opened(ports: Ports, rows: Iterable[SigningKeyRow]) -> None:
    """Raise `sealing.UnsealError` where the root keys do not open one of the signing keys."""
    for row in rows:
        sealing.unseal(ports, row.sealed, "signing", row.kid, row.pool_id)


def are_related(keys: RootKeys, known: RootKeys) -> bool:
    """Whether a key of the audit trail is in both: those never leave their ring, however often it is rotated."""
    return not _audit_ids(keys).isdisjoint(_audit_ids(known))


def _audit_ids(keys: RootKeys) -> set[str]:
    return {key.id for key in keys.ring("audit").keys}
