"""How an installation is set up: a TOML file, `OSTIARY_*` in the environment, `OSTIARY_*_FILE`, the command line.

Later ones win. What a pool decides (code lengths, limits) is data of the pool, not a setting. A key that
nobody knows is refused with the nearest one that exists: a misspelt limit must not be a limit switched off.
"""

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from ostiary.server.core.near import did_you_mean

PREFIX = "OSTIARY_"
_CONFIG = "OSTIARY_CONFIG"
_OTHERS = {_CONFIG, "OSTIARY_SOAK", "OSTIARY_TEST_RUN_FOLDER", "OSTIARY_TEST_POSTGRES_BIN"}
"""Variables of this name that are no settings: the file's own, and those of the tests' run."""
_FROM_FILE = "_FILE"


class StartRefusedError(Exception):
    """The service must not start like this; the message says why and what to do. Exit code 2."""


class SettingsError(StartRefusedError):
    """A setting is unknown, malformed or out of its range."""


def _text(text: str) -> Meta:
    return Meta(description=text)


def _number(text: str, least: int, most: int | None = None) -> Meta:
    return Meta(description=text, ge=least, le=most)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is set per installation. In a TOML file by these names, in the environment in capitals."""

    host: Annotated[str, _text("The address to listen on. Dev mode accepts loopback addresses only.")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int, _number("The port to listen on; 0 picks a free one, which the ready line shows.", 0, 65_535)
    ] = 8_000
    public_url: Annotated[
        str,
        Meta(
            description="The URL that clients use, without a trailing slash; it becomes the issuer of tokens. "
            "Empty: http://<host>:<port>.",
            pattern=r"^(https?://[^/\s]+(/[^\s]*[^/\s])?)?$",
        ),
    ] = ""
    database: Annotated[
        str,
        Meta(
            description="sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME. "
            "Empty: sqlite:///<data_dir>/ostiary.db.",
            pattern=r"^(sqlite:///.+|postgres(ql)?://.+)?$",
        ),
    ] = ""
    data_dir: Annotated[
        str, _text("The folder that holds the embedded database, keys.json and, in dev mode, dev.json.")
    ] = "data"
    keys_file: Annotated[
        str,
        _text("The root key file (mode 600), created by `ostiary init`. Empty: <data_dir>/keys.json."),
    ] = ""
    workers: Annotated[
        int,
        _number(
            "Number of serving processes, which share the port. More than one requires PostgreSQL.", 1, 64
        ),
    ] = 1
    dev: Annotated[
        bool,
        _text(
            "Dev mode: creates a pool, an application and users, shows every message in the inbox, and lets the clock be moved."
        ),
    ] = False
    inbox: Annotated[
        bool,
        _text(
            "Show every message that would be sent, at /dev/inbox. Always on in dev mode, refused otherwise."
        ),
    ] = False
    trusted_proxies: Annotated[
        tuple[str, ...],
        _text(
            "Addresses or networks of reverse proxies whose `proxy_header` is trusted. Empty: the peer's address is used."
        ),
    ] = ()
    proxy_header: Annotated[
        Literal["x-forwarded-for", "x-real-ip"],
        _text("The header in which trusted proxies pass on the caller's address; they must set it."),
    ] = "x-forwarded-for"
    backends: Annotated[
        tuple[str, ...],
        _text(
            "Addresses or networks of your own servers that call on behalf of users: their `x-real-ip` is trusted, "
            "and their requests without one are not limited per address."
        ),
    ] = ()
    argon2_memory_kib: Annotated[int, _number("Memory used by one password check, in KiB.", 19_456)] = 19_456
    argon2_passes: Annotated[int, _number("Argon2id passes of one password check.", 2)] = 2
    argon2_lanes: Annotated[int, _number("Argon2id lanes of one password check.", 1)] = 1
    password_threads: Annotated[
        int, _number("Number of concurrent password checks; each uses one core.", 1)
    ] = 2
    password_queue: Annotated[
        int, _number("Number of password checks that may wait; beyond that the answer is 503.", 0)
    ] = 64
    header_timeout: Annotated[
        int, _number("Seconds within which a request's headers must arrive.", 1, 600)
    ] = 10
    body_timeout: Annotated[int, _number("Seconds within which a request's body must arrive.", 1, 600)] = 10
    keep_alive: Annotated[int, _number("Seconds for which an idle connection is kept open.", 1, 3_600)] = 30
    most_requests: Annotated[
        int, _number("Maximum number of concurrent requests per process; beyond that the answer is 503.", 1)
    ] = 1_000
    stop_timeout: Annotated[
        int, _number("Seconds that requests in progress have to finish after SIGTERM.", 0, 8)
    ] = 8
    webhook_url: Annotated[
        str,
        _text(
            "The https:// URL of the gateway that sends messages. Empty: none; messages then end as `no_route`. "
            "http:// may only reach `outbound_networks`."
        ),
    ] = ""
    webhook_secret: Annotated[
        str,
        _text(
            "The secret that signs requests to the gateway (Standard Webhooks): whsec_<base64 of 24 to 64 random "
            "bytes>. While changing it, several may be given, separated by spaces."
        ),
    ] = ""
    webhook_media: Annotated[
        tuple[Literal["sms", "email"], ...],
        _text("Which messages go to the gateway: sms, email. The others end as `no_route`."),
    ] = ("sms", "email")
    smtp_host: Annotated[
        str,
        _text(
            "The SMTP server that sends e-mail. Empty: none; e-mail goes to the gateway if `webhook_media` allows it."
        ),
    ] = ""
    smtp_port: Annotated[
        int,
        _number(
            "The SMTP server's port. 0: the standard one, 465 (implicit), 587 (starttls) or 25 (none).",
            0,
            65_535,
        ),
    ] = 0
    smtp_tls: Annotated[
        Literal["implicit", "starttls", "none"],
        _text(
            "How the SMTP connection is encrypted: from the start (`implicit`), by mandatory STARTTLS (`starttls`), or not "
            "at all (`none`), which may only reach `outbound_networks`. Certificates are verified."
        ),
    ] = "starttls"
    smtp_username: Annotated[str, _text("The user name for the SMTP server. Empty: no authentication.")] = ""
    smtp_password: Annotated[str, _text("The password of `smtp_username`.")] = ""
    smtp_from: Annotated[
        str, _text("The sender of e-mail: `Example <no-reply@example.com>`, or the address alone.")
    ] = ""
    outbound_networks: Annotated[
        tuple[str, ...],
        _text(
            "Non-public addresses or networks that outgoing requests may reach, including by http://. Public "
            "addresses can always be reached by https://."
        ),
    ] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _text("The lowest level that is logged, on standard error."),
    ] = "info"
    metrics_networks: Annotated[
        tuple[str, ...],
        _text(
            "Addresses or networks that may read /metrics; all others get 404. Only the connection's peer address counts, "
            "not headers: a proxy on this machine must not forward the path. Everyone: 0.0.0.0/0, ::/0."
        ),
    ] = ("127.0.0.0/8", "::1/128")
    slow_step_ms: Annotated[
        int,
        _number("Database steps that take this many milliseconds or more are logged. 0: none.", 0),
    ] = 500
    otlp_endpoint: Annotated[
        str,
        Meta(
            description="Where traces are sent (OTLP over HTTP, e.g. http://127.0.0.1:4318/v1/traces); requires "
            "`pip install 'ostiary[otel]'`. Empty: no traces.",
            pattern=r"^(https?://.+)?$",
        ),
    ] = ""

    def __repr__(self) -> str:
        return "Settings(…)"  # some of them are secrets

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data_dir).expanduser()

    @property
    def database_url(self) -> str:
        """The database, the default made whole."""
        return self.database or f"sqlite:///{self.folder.absolute() / 'ostiary.db'}"

    @property
    def keys_path(self) -> Path:
        """The file of the root keys, the default made whole."""
        return Path(self.keys_file).expanduser() if self.keys_file else self.folder / "keys.json"

    @property
    def on_sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.database_url.startswith("sqlite:")


@dataclass(frozen=True, slots=True)
class Documented:
    """One row of the settings' reference."""

    name: str
    default: Any
    text: str
    type: Any


def reference() -> list[Documented]:
    """Every setting with its text, in the order of the reference."""
    rows = []
    for known in msgspec.structs.fields(Settings):
        base, meta = get_args(known.type)
        rows.append(Documented(known.name, known.default, meta.description, base))
    return rows


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and where each that is not a default came from."""

    settings: Settings
    sources: Mapping[str, str]


def load(
    options: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Loaded:
    """Read all sources. `options` are the command line's, None where not given. Raises `SettingsError`."""
    environment = os.environ if environment is None else environment
    path = config or (Path(environment[_CONFIG]) if environment.get(_CONFIG) else None)
    layers = [
        *([_from_file(path)] if path else []),
        _from_environment(environment),
        {name: (value, "the command line") for name, value in options.items() if value is not None},
    ]
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for layer in layers:
        for name, (value, source) in layer.items():
            values[name] = _converted(name, value, source)
            sources[name] = source
    for name in ("trusted_proxies", "backends", "outbound_networks", "metrics_networks"):
        _check_networks(name, values.get(name, ()))
    return Loaded(Settings(**values), sources)


_NAMES = Settings.__struct_fields__
_TYPES = {known.name: known.type for known in msgspec.structs.fields(Settings)}
_TEXTS = {row.name: row.text for row in reference()}
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

_Layer = dict[str, tuple[Any, str]]


def _from_file(path: Path) -> _Layer:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    for name in table:
        if name not in _NAMES:
            raise SettingsError(f"{path}: there is no setting {name!r}{did_you_mean(name, _NAMES)}")
    return {name: (value, str(path)) for name, value in table.items()}


def _from_environment(environment: Mapping[str, str]) -> _Layer:
    layer: _Layer = {}
    known = {PREFIX + name.upper(): name for name in _NAMES}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable in _OTHERS or not value:
            continue
        if variable in known:
            layer[known[variable]] = (value, variable)
            continue
        plain = variable.removesuffix(_FROM_FILE)
        if plain == variable or plain not in known:
            raise SettingsError(f"there is no setting {variable}{did_you_mean(variable, tuple(known))}")
        try:
            layer[known[plain]] = (Path(value).read_text(encoding="utf-8").strip(), variable)
        except OSError as error:
            raise SettingsError(f"{variable}: {value} can't be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"{variable}: {value} can't be read: it is not text in UTF-8") from error
    return layer


def _converted(name: str, value: Any, source: str) -> Any:
    """The value as the setting's type: text (from the environment) is read, other types must fit."""
    default = getattr(_DEFAULTS, name)
    if isinstance(value, str) and isinstance(default, tuple):
        value = [part.strip() for part in value.split(",") if part.strip()]
    elif isinstance(value, str) and isinstance(default, bool):
        value = _FLAGS.get(value.lower(), value)
    try:
        return msgspec.convert(value, _TYPES[name], strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise SettingsError(f"{source}: {name}: {_told(name, value, error)}") from error


def _told(name: str, value: Any, error: msgspec.ValidationError) -> str:
    """What is wrong, in the words of the reference: an operator need not read patterns and types."""
    if "matching regex" in str(error):
        return f"expected: {_TEXTS[name]}"
    from msgspec.inspect import type_info  # what a good start need not load

    from ostiary.contract.ranges import allowed

    takes = allowed(type_info(_TYPES[name]))
    if takes == "text":
        return "must be text"  # it may be a secret: what was set is not repeated
    shown = ", ".join(map(str, value)) if isinstance(value, list) else value
    return f"{shown!r} can't be used; allowed: {takes}"


def _check_networks(name: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError as error:
            raise SettingsError(f"{name}: {network!r} is neither an address nor a network") from error


_DEFAULTS = Settings()
