"""What is wrong or weak about an installation, and what to do. Only looks at the facts it is given."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from ostiary.server.core.address import is_loopback
from ostiary.server.core.keyring import KEEP_AFTER_RETIREMENT, RootKeys
from ostiary.server.core.millis import DAY, MINUTE, SECOND
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.delivery.gateway import media
from ostiary.server.settings import Settings
from ostiary.server.storage.checkup import Letters
from ostiary.server.storage.url import password, without_password

Level = Literal["problem", "weak", "note"]

CLOCK_TOLERANCE = 2 * SECOND
_OLD_KEY = 365 * DAY
_LATE = MINUTE
_FAST_MS, _SLOW_MS = 10.0, 500.0


@dataclass(frozen=True, slots=True)
class Finding:
    """problem: does not work, or is unsafe · weak: works, and could be attacked or lost · note: worth knowing."""

    level: Level
    about: str
    what: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found out. Parts that could not be are None or empty, and `broken` says why."""

    settings: Settings
    sources: Mapping[str, str]
    now: int
    cores: int
    memory_kib: int
    argon2_ms: float
    broken: Sequence[Finding] = ()
    open_files: Mapping[str, int] = field(default_factory=dict)
    """File → its mode, of those that others may read though they hold secrets."""
    keys: RootKeys | None = None
    clock_apart: int = 0
    promises: Mapping[str, str] = field(default_factory=dict)
    dev_database: bool = False
    overdue: int = 0
    letters: Letters | None = None
    pools: Sequence[tuple[str, PoolPolicy]] = ()
    apps: Sequence[tuple[str, AppPolicy]] = ()
    database_read: bool = False


def findings(facts: Facts) -> list[Finding]:
    """Everything, worst first."""
    found = [
        *facts.broken,
        *_edge(facts.settings),
        *_secrets(facts),
        *_passwords(facts),
        *_senders(facts.settings),
        *_keys(facts),
        *_database(facts),
        *(one for name, policy in facts.pools for one in _pool(name, policy)),
        *(one for name, policy in facts.apps for one in _app(name, policy)),
    ]
    order = ("problem", "weak", "note")
    return sorted(found, key=lambda finding: order.index(finding.level))


def _edge(settings: Settings) -> Iterator[Finding]:
    if settings.dev:
        yield Finding(
            "weak", "dev", "dev mode shows every code to anyone who opens the inbox", "run without --dev"
        )
        return
    public = urlsplit(settings.public_url)
    if not settings.public_url:
        yield Finding(
            "weak",
            "public_url",
            "not set: tokens have http://host:port as their issuer",
            "set it to the public https:// URL",
        )
    elif public.scheme == "http" and not is_loopback(public.hostname or ""):
        yield Finding("weak", "public_url", "http: codes and tokens are sent unencrypted", "use https")
    if not is_loopback(settings.host):
        yield Finding(
            "weak",
            "host",
            f"{settings.host} is reachable without TLS",
            "listen on 127.0.0.1 behind a TLS proxy",
        )
    if public.scheme == "https" and not settings.trusted_proxies:
        yield Finding(
            "weak",
            "trusted_proxies",
            "not set: behind a proxy all callers appear to have its address and share one sending limit",
            "set it to the proxy's address, and have the proxy set proxy_header",
        )
    for name in ("trusted_proxies", "backends", "outbound_networks"):
        wide = [text for text in getattr(settings, name) if _is_wide(text)]
        if wide:
            yield Finding("weak", name, f"{wide[0]} is too broad", "list single addresses or small networks")
    if settings.log_level == "debug":
        yield Finding("note", "log_level", "debug logs more than normal operation needs", "set it to info")


def _secrets(facts: Facts) -> Iterator[Finding]:
    for name in secret_settings(facts.settings):
        source = facts.sources.get(name, "")
        if source == "the command line":
            yield Finding(
                "weak",
                name,
                "a secret on the command line is visible in the process list",
                f"use OSTIARY_{name.upper()}_FILE",
            )
        elif source == f"OSTIARY_{name.upper()}":
            yield Finding(
                "note",
                name,
                "a secret in the environment is inherited by child processes",
                f"use {source}_FILE",
            )
    for path, mode in facts.open_files.items():
        yield Finding("weak", path, f"other users can read it (mode {mode:o})", f"chmod 600 {path}")


def _passwords(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    if facts.argon2_ms < _FAST_MS:
        yield Finding(
            "weak",
            "argon2_*",
            f"a password check takes only {facts.argon2_ms:.0f} ms here: guessing is cheap",
            "doctor --tune",
        )
    if facts.argon2_ms > _SLOW_MS:
        yield Finding(
            "weak",
            "argon2_*",
            f"a password check takes {facts.argon2_ms:.0f} ms here: sign-ins are slow",
            "doctor --tune",
        )
    if settings.password_threads > facts.cores:
        yield Finding(
            "weak",
            "password_threads",
            f"{settings.password_threads} concurrent checks on {facts.cores} cores: sign-ins slow everything else down",
            f"set it to {max(1, facts.cores)} or less",
        )
    used = settings.argon2_memory_kib * settings.password_threads * settings.workers
    if used > facts.memory_kib // 2:
        yield Finding(
            "weak",
            "argon2_memory_kib",
            f"password checks may use {used // 1024} MiB, more than half of the memory",
            "doctor --tune",
        )


def _senders(settings: Settings) -> Iterator[Finding]:
    if settings.dev:
        return
    served = media(settings)
    for medium in ("sms", "email"):
        if medium not in served:
            yield Finding(
                "problem" if medium == "sms" else "weak",
                "webhook_url" if not settings.webhook_url else "webhook_media",
                f"no gateway sends {medium}: such messages end as no_route",
                "configure a gateway (docs/operating.md)"
                if medium == "sms"
                else "configure a gateway or smtp_host",
            )
    if settings.webhook_url and not settings.webhook_secret:
        yield Finding("problem", "webhook_secret", "requests to the gateway are not signed", "set it")
    if settings.smtp_host and settings.smtp_tls == "none":
        yield Finding(
            "weak",
            "smtp_tls",
            "e-mail, codes included, is sent to its server unencrypted",
            "set it to starttls",
        )


def _keys(facts: Facts) -> Iterator[Finding]:
    if facts.keys is None:
        return
    for purpose, ring in facts.keys.rings.items():
        about = f"keys: {purpose}"
        days = (facts.now - ring.current.made_at) // DAY
        if facts.now - ring.current.made_at > _OLD_KEY:
            yield Finding("weak", about, f"{days} days old", f"ostiary keys rotate --purpose {purpose}")
        if any(key.waiting for key in ring.keys):
            yield Finding(
                "weak",
                about,
                "a rotation was interrupted: a new key is waiting",
                f"ostiary keys rotate --purpose {purpose}",
            )
        if purpose != "audit" and any(
            key.retired_at is not None and key.retired_at + KEEP_AFTER_RETIREMENT < facts.now
            for key in ring.keys
        ):
            yield Finding("note", about, "an old key may no longer be needed", "ostiary keys prune")


def _database(facts: Facts) -> Iterator[Finding]:
    if not facts.database_read:
        return
    settings = facts.settings
    yield from _promises(facts.promises)
    if facts.clock_apart > CLOCK_TOLERANCE:
        yield Finding(
            "problem", "clock", f"{facts.clock_apart} ms off the database's clock", "run NTP on both machines"
        )
    if not settings.on_sqlite and not _is_encrypted(settings.database_url):
        yield Finding("weak", "database", "the connection may be unencrypted", "add ?sslmode=verify-full")
    if facts.dev_database and not settings.dev:
        yield Finding(
            "problem",
            "database",
            "created by dev mode: its passwords are readable in dev.json",
            "start with a new one",
        )
    if not facts.pools:
        yield Finding("problem", "database", "there is no pool", "ostiary init")
    if facts.overdue:
        yield Finding(
            "problem",
            "audit",
            f"{facts.overdue} rows are overdue for sealing",
            "run ostiary serve or ostiary worker",
        )
    if facts.letters is not None:
        yield from _letters(facts.letters, facts.now)


def _promises(promises: Mapping[str, str]) -> Iterator[Finding]:
    """What a database must do for an answer to be true after a power cut."""
    for name, wanted in (("fsync", {"on"}), ("full_page_writes", {"on"}), ("journal_mode", {"wal"})):
        if promises.get(name, next(iter(wanted))) not in wanted:
            yield Finding(
                "problem",
                name,
                f"{promises[name]}: acknowledged changes can be lost in a crash",
                f"set it to {min(wanted)}",
            )
    safe = promises.get("synchronous", "full") in {"full", "extra"}
    if not safe or promises.get("synchronous_commit", "on") not in {"on", "remote_apply"}:
        yield Finding(
            "problem", "synchronous", "changes are acknowledged before they are durable", "use full or on"
        )


def _letters(letters: Letters, now: int) -> Iterator[Finding]:
    late = now - letters.due_since if letters.due_since is not None else 0
    if late > _LATE:
        yield Finding(
            "problem",
            "messages",
            f"one has been waiting for {late // SECOND} s",
            "run ostiary serve or ostiary worker",
        )
    for state, count in sorted(letters.unsent.items()):
        yield Finding(
            "weak", "messages", f"{count} ended as {state} in the last day", "ostiary messages list"
        )


def _pool(name: str, policy: PoolPolicy) -> Iterator[Finding]:
    set_to = f"ostiary settings set --pool {name}"

    def weak(setting: str, what: str, value: object) -> Finding:
        return Finding("weak", f"pool {name}: {setting}", what, f"{set_to} {setting} {value}")

    if not policy.change_phone_strategy.verify_old_phone:
        yield weak(
            "changePhoneStrategy.verifyOldPhone", "anyone with a session can change the number", "true"
        )
    if policy.verify_code_length < 6:
        yield weak("verifyCodeLength", f"codes of {policy.verify_code_length} digits are easy to guess", 6)
    if policy.wrong_codes_per_day > 10:
        yield weak("wrongCodesPerDay", f"{policy.wrong_codes_per_day} wrong guesses a day are a lot", 10)
    if policy.step_up_max_age > 3_600:
        yield weak(
            "stepUpMaxAge",
            f"{policy.step_up_max_age} s after signing in is too long for changing a number",
            900,
        )
    if not policy.end_other_sessions:
        yield weak("endOtherSessions", "a stolen session survives a change of number", "true")
    for setting, value in _limits_off(policy).items():
        yield weak(setting, "off: strangers can trigger messages at your expense", value)
    if len(policy.allowed_countries) > 10:
        count = len(policy.allowed_countries)
        yield Finding(
            "note",
            f"pool {name}: allowedCountries",
            f"{count} allowed countries increase the risk of SMS pumping",
            "allow fewer",
        )
    if any(_is_plain_http(origin) for origin in policy.allowed_origins.split()):
        yield weak(
            "allowedOrigins", "an http:// website may call: so can anyone on its network path", "https://…"
        )


def _limits_off(policy: PoolPolicy) -> dict[str, int]:
    """Sending limits that are switched off, and their usual values."""
    limits = {
        "sendPerAddressPerMinute": (policy.send_per_address_per_minute, 10),
        "sendPerAddressPerDay": (policy.send_per_address_per_day, 100),
        "sendPerAppPerDay": (policy.send_per_app_per_day, 1_000),
    }
    return {setting: usual for setting, (value, usual) in limits.items() if value == 0}


def _app(name: str, policy: AppPolicy) -> Iterator[Finding]:
    about = f"app {name}"
    do = f"ostiary settings set --app {name}"
    if not policy.refresh_token_rotation:
        yield Finding(
            "weak",
            f"{about}: refreshTokenRotation",
            "a stolen refresh token goes unnoticed",
            f"{do} refreshTokenRotation true",
        )
    if policy.access_token_life > 14_400:
        yield Finding(
            "weak",
            f"{about}: accessTokenLife",
            f"{policy.access_token_life} s is long for a token that services verify offline",
            f"{do} accessTokenLife 7200",
        )
    if any(_is_plain_http(uri) for uri in policy.redirect_uris):
        yield Finding(
            "weak", f"{about}: redirectUris", "http: authorization codes are sent unencrypted", "use https"
        )


def secret_settings(settings: Settings) -> list[str]:
    """Settings that hold a secret as they are set now."""
    found = [
        name
        for name in settings.__struct_fields__
        if name.endswith(("_secret", "_password")) and getattr(settings, name)
    ]
    return [*found, *(["database"] if password(settings.database) else [])]


def masked(settings: Settings, name: str) -> object:
    """A setting's value as it may be shown."""
    value = getattr(settings, name)
    if name == "database":
        return without_password(value)
    if name in secret_settings(settings):
        return "***"
    return list(value) if isinstance(value, tuple) else value


def _is_encrypted(url: str) -> bool:
    parts = urlsplit(url)
    if not parts.hostname or parts.hostname.startswith("/") or is_loopback(parts.hostname):
        return True  # a Unix socket, or this machine
    return parse_qs(parts.query).get("sslmode", [""])[0] in {"require", "verify-ca", "verify-full"}


def _is_plain_http(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def _is_wide(text: str) -> bool:
    network = ipaddress.ip_network(text, strict=False)
    return network.prefixlen < (8 if network.version == 4 else 16)
