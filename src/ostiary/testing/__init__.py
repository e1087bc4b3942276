"""For the tests of programs that use Ostiary: a real service in dev mode, its phones, its clock, and people.

Installed with `pip install 'ostiary[server]'`; pytest finds the fixtures by itself (`plugin.py` lists them). The
same without pytest::

    from ostiary.testing import start

    with start() as service:
        person = service.person()
        person.client.send_sms("CHANNEL_BIND_PHONE", "13900139000")
        code = service.inbox.code("13900139000", "CHANNEL_BIND_PHONE")

Names are loaded when they are first asked for: every pytest run in this environment imports the plugin.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ostiary.testing._clock import Clock
    from ostiary.testing._inbox import Inbox, Message, NothingArrived
    from ostiary.testing._people import Person
    from ostiary.testing._service import NotStarted, Service, start

__all__ = ["Clock", "Inbox", "Message", "NotStarted", "NothingArrived", "Person", "Service", "start"]

_HOMES = {
    "Clock": "_clock",
    "Inbox": "_inbox",
    "Message": "_inbox",
    "NothingArrived": "_inbox",
    "Person": "_people",
    "NotStarted": "_service",
    "Service": "_service",
    "start": "_service",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
