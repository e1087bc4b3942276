"""What an action is given: the store, the ports, who signs, who checks passwords; and the shape most of them have."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ostiary.server.core.call import Call, UserToken
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.guards import one_time_tokens
from ostiary.server.guards.entry import Read, Step, enter
from ostiary.server.guards.one_time_tokens import TokenKind
from ostiary.server.guards.password_keys import PasswordKeys
from ostiary.server.guards.passwords import Passwords
from ostiary.server.guards.signing import Signer
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import Tx

F = TypeVar("F")
A = TypeVar("A")
R = TypeVar("R")


@dataclass(slots=True)
class Service:
    """One per process, made by `app.py`. Actions hold nothing else between requests."""

    store: Store
    ports: Ports
    signer: Signer
    """JWTs with the pool's keys; `verify` needs no database for a key it has seen."""
    passwords: Passwords
    """argon2id in a bounded thread pool."""
    password_keys: PasswordKeys
    """Opens passwords that a client encrypted on their way."""
    dev: bool = False
    """Dev mode: loopback only, inbox on, clock movable."""


async def in_one_step(
    service: Service,
    call: Call,
    form: F | Refused,
    read: Read[F, A],
    do: Callable[[Step[A]], R | Refused],
    *,
    stands_first: bool = False,
    spends: TokenKind | None = None,
) -> R | Refused:
    """Enter with the user's row locked, then do it; a refusal is an outcome like any other, and is committed.

    `spends`: the kind of one-time token that `do` looks at.
    """

    def step(tx: Tx) -> R | Refused:
        if spends is not None and isinstance(call.user, UserToken):
            one_time_tokens.look_soon(tx, call.user, spends)
        entered = enter(tx, service.ports, call, form, read, lock=True, stands_first=stands_first)
        return entered if isinstance(entered, Refused) else do(entered)

    return await service.store.write(step)


async def in_one_look(
    service: Service, call: Call, form: F | Refused, read: Read[F, A], see: Callable[[Step[A]], R | Refused]
) -> R | Refused:
    """The same in a step that only reads: nothing is locked, and any application's token will do, `selfService` or not."""

    def step(tx: Tx) -> R | Refused:
        entered = enter(tx, service.ports, call, form, read, lock=False, manages_account=False)
        return entered if isinstance(entered, Refused) else see(entered)

    return await service.store.read(step)
