"""The generated clients are what the table says, and what callers of the incumbent's SDK expect."""

import inspect
import subprocess
import sys
from collections.abc import Iterator

import pytest

import ostiary
from ostiary import compat
from ostiary.client.generate import BY_SHORTCUT_ONLY, HERE, READS_BY_POST, generated
from ostiary.contract.operation import Kind
from ostiary.contract.operations import BY_NAME, OPERATIONS

CLIENTS = [
    ostiary.AuthenticationClient,
    ostiary.AsyncAuthenticationClient,
    ostiary.ManagementClient,
    ostiary.AsyncManagementClient,
]


def methods(client: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(value)
        for name, value in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize("name", ["authentication.py", "management.py"])
def test_generated_files_are_fresh(name):
    assert (HERE / name).read_text() == generated()[name], "run: python -m ostiary.client.generate"


def test_every_operation_is_a_method_that_tells_what_it_does():
    for op in OPERATIONS:
        if op.name in BY_SHORTCUT_ONLY:
            continue
        sync, tasks = (CLIENTS[2], CLIENTS[3]) if op.group == "Management" else (CLIENTS[0], CLIENTS[1])
        for client in (sync, tasks):
            told = inspect.getdoc(getattr(client, op.name)) or ""
            assert told.startswith(op.summary)
            assert f"`{op.method} {op.path}`" in told
        assert inspect.signature(getattr(sync, op.name)) == inspect.signature(getattr(tasks, op.name))
        assert inspect.iscoroutinefunction(getattr(tasks, op.name))
        assert not inspect.iscoroutinefunction(getattr(sync, op.name))


def test_only_reads_are_safe_to_repeat():
    assert all(BY_NAME[name].kind is Kind.API for name in READS_BY_POST)
    from ostiary.client import authentication, management

    for module in (authentication, management):
        for value in vars(module).values():
            if getattr(value, "safe", False):
                assert value.method == "GET" or value.name in READS_BY_POST | {"get_management_token"}


@pytest.mark.parametrize("client", CLIENTS)
def test_sync_and_async_have_the_same_methods_and_arguments(client):
    twin = CLIENTS[CLIENTS.index(client) ^ 1]
    ours, theirs = methods(client), methods(twin)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert list(ours[name].parameters) == list(theirs[name].parameters)


# ── the incumbent's callers ─────────────────────────────────────────────────────────────────


def pairs() -> Iterator[tuple[type, type, str]]:
    import genauth

    for ours, theirs in (
        (ostiary.AuthenticationClient, genauth.AuthenticationClient),
        (compat.AuthenticationClient, genauth.AuthenticationClient),
        (ostiary.ManagementClient, genauth.ManagementClient),
        (compat.ManagementClient, genauth.ManagementClient),
    ):
        for name in ("__init__", *methods(ours)):
            if hasattr(theirs, name):
                yield ours, theirs, name


def test_arguments_have_the_incumbents_names_and_positions():
    seen = 0
    for ours, theirs, name in pairs():
        mine = inspect.signature(getattr(ours, name)).parameters
        incumbents = inspect.signature(getattr(theirs, name)).parameters
        positional = [key for key, value in mine.items() if value.kind is not value.KEYWORD_ONLY]
        assert positional == list(incumbents), f"{ours.__module__}.{ours.__name__}.{name}"
        for key, value in incumbents.items():
            optional = value.default is not value.empty
            assert not optional or mine[key].default is not value.empty, f"{name}({key}) was optional"
        seen += 1
    assert seen > 50


MADE_BY_US = {
    *("close", "with_options", "with_access_token", "list_audit_events", "list_messages"),
    *("send_mfa_code", "mfa_factor_verify", "mfa_recovery_code_verify"),
    *("get_captcha_code", "validate_password"),  # of the Node SDK
}


def test_the_stand_in_has_no_method_that_the_incumbent_has_not():
    import genauth

    for ours, theirs in (
        (compat.AuthenticationClient, genauth.AuthenticationClient),
        (compat.ManagementClient, genauth.ManagementClient),
    ):
        new = sorted(name for name in methods(ours) if not hasattr(theirs, name) and name not in MADE_BY_US)
        assert not new, (
            f"the incumbent's {theirs.__name__} has no such method: if an operation of our own is meant, add it to "
            f"MADE_BY_US in tests/wire/test_client_generated.py: {new}"
        )


# ── what it costs to import ─────────────────────────────────────────────────────────────────

SERVER_ONLY = {
    "uvicorn",
    "sqlalchemy",
    "alembic",
    "argon2",
    "joserfc",
    "phonenumbers",
    "typer",
}


def imported_by(statement: str) -> set[str]:
    script = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_no_http_client():
    assert not imported_by("import ostiary") & {"httpx2", "msgspec", "ostiary.client"}


def test_the_sdk_loads_nothing_of_the_server():
    loaded = imported_by("from ostiary import AuthenticationClient; AuthenticationClient('a', 'http://x')")
    assert "ostiary.client.authentication" in loaded
    assert not {name for name in loaded if name.startswith("ostiary.server")}
    assert not loaded & SERVER_ONLY
    assert "ostiary.contract.errors" not in loaded, "the catalogue is loaded at the first refusal"
