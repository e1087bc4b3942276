"""The two shapes of most management operations: one step that writes, one that reads, behind the door of management."""

from collections.abc import Callable
from typing import TypeVar

from ostiary.server.core.call import Call
from ostiary.server.core.refused import Refused
from ostiary.server.guards.entry import Errand, Read, manage
from ostiary.server.guards.service import Service
from ostiary.server.storage.tx import Tx

F = TypeVar("F")
A = TypeVar("A")
T = TypeVar("T")

Done = Callable[[Errand[A]], T | Refused]


async def work(
    service: Service, call: Call, form: F | Refused, read: Read[F, A], do: Done[A, T]
) -> T | Refused:
    """Enter, and do it in one step that writes."""
    return await service.store.write(_entered(service, call, form, read, do))


async def look(
    service: Service, call: Call, form: F | Refused, read: Read[F, A], do: Done[A, T]
) -> T | Refused:
    """The same in one that only reads."""
    return await service.store.read(_entered(service, call, form, read, do))


def _entered(
    service: Service, call: Call, form: F | Refused, read: Read[F, A], do: Done[A, T]
) -> Callable[[Tx], T | Refused]:
    """The step of either: through the door of management, then `do`."""

    def step(tx: Tx) -> T | Refused:
        errand = manage(tx, service.ports, call, form, read)
        return errand if isinstance(errand, Refused) else do(errand)

    return step
