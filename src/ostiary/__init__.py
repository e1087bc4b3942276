"""Ostiary: the Python SDK; the service lives in ``ostiary.server``.

>>> from ostiary import AuthenticationClient
>>> client = AuthenticationClient("your app id", "https://id.example.com")  # doctest: +SKIP

Names are loaded when they are first asked for: the service and the command line import this package,
too, and neither needs an HTTP client to start.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ostiary.client._endpoint import Result
    from ostiary.client.authentication import AsyncAuthenticationClient, AuthenticationClient
    from ostiary.client.errors import APIConnectionError, APIError, APITimeoutError, OstiaryError
    from ostiary.client.management import AsyncManagementClient, ManagementClient

_HOMES = {
    "AuthenticationClient": "ostiary.client.authentication",
    "AsyncAuthenticationClient": "ostiary.client.authentication",
    "ManagementClient": "ostiary.client.management",
    "AsyncManagementClient": "ostiary.client.management",
    "Result": "ostiary.client._endpoint",
    "OstiaryError": "ostiary.client.errors",
    "APIError": "ostiary.client.errors",
    "APIConnectionError": "ostiary.client.errors",
    "APITimeoutError": "ostiary.client.errors",
}

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AsyncAuthenticationClient",
    "AsyncManagementClient",
    "AuthenticationClient",
    "ManagementClient",
    "OstiaryError",
    "Result",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
