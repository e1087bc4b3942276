"""What an action is given: the store, the ports, who signs, who checks passwords."""

from dataclasses import dataclass

from ostiary.server.core.ports import Ports
from ostiary.server.guards.password_keys import PasswordKeys
from ostiary.server.guards.passwords import Passwords
from ostiary.server.guards.signing import Signer
from ostiary.server.storage.db import Store


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
