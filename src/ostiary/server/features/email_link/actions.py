"""The link that verifies an e-mail address: spent by a person who presses a button, never by whoever looks at it."""

from msgspec.structs import replace

from ostiary.contract.keys import Key
from ostiary.server.core.call import NOBODY, Call
from ostiary.server.core.refused import Refused
from ostiary.server.guards import audit, passcodes
from ostiary.server.guards.entry import Visit, after_lock, as_asked, visit
from ostiary.server.guards.passcodes import Link
from ostiary.server.guards.service import Service
from ostiary.server.storage import emails, people
from ostiary.server.storage.tx import ConflictError, Tx

OVER = Refused(Key.CODE_EXPIRED)
"""Never made, used, over, or the address has left its account: which of them is not told."""


def look(service: Service, text: str) -> Link | None:
    """Whose address a link is about, without touching anything. It may be over: only `verify` finds out."""
    return passcodes.read_link(service.ports.ring("codes"), text)


async def verify(service: Service, call: Call, text: str) -> Refused | None:
    """Spend a link: the address is verified. Exactly one of any number at once is told so."""
    link = look(service, text)
    if link is None:
        return OVER
    here = replace(call, pool_id=link.pool_id, app_id=None, user=NOBODY, token_given=False)

    def step(tx: Tx) -> Refused | None:
        came = visit(tx, service.ports, here, link, as_asked, lock=False)
        return OVER if isinstance(came, Refused) else _verify(came)

    return await service.store.write(step)


def _verify(came: Visit[Link]) -> Refused | None:
    """Locks in the house's order: the user's row, then the code.

    Password and sessions stay, unlike at a proof by a code (`guards/first_proof`): who presses the button is most often who
    has just signed up with that password, and the page can't tell. Mail and page warn who has not (ADR 0012).
    """
    tx, pool_id, address = came.tx, came.pool.id, came.ask.address
    holder = emails.holder(tx, pool_id, address)
    if holder is None:
        return OVER
    people.lock_user(tx, holder)
    if emails.holder(tx, pool_id, address) != holder:
        raise ConflictError("the address left its account a moment ago")
    came = after_lock(came)
    proof = passcodes.prove_link(came, came.ask)
    if isinstance(proof, Refused):
        return proof
    passcodes.use(came, proof)
    emails.verify(tx, pool_id, address, holder)
    audit.note(came, "email_verified", user_id=holder, new=audit.contact_hash(came.ports, pool_id, address))
    return None
