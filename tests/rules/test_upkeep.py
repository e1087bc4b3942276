"""What the doctor finds in facts, what tuning proposes, which keys may go: tables."""

import pytest

from ostiary.server.core.keyring import PURPOSES, KeyRing, RootKey, RootKeys
from ostiary.server.core.millis import DAY, MINUTE, Millis
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.settings import Settings
from ostiary.server.storage.checkup import Letters
from ostiary.server.storage.keys import SigningKeyRow
from ostiary.server.upkeep.findings import Facts, findings, masked
from ostiary.server.upkeep.import_rules import usable_hash
from ostiary.server.upkeep.rotation import may_go, signing_keys_to_drop
from ostiary.server.upkeep.tuning import propose

NOW = 1_000 * DAY
GOOD = {
    "public_url": "https://id.example.com",
    "trusted_proxies": ("127.0.0.1",),
    "webhook_url": "https://sms.example.com/send",
    "webhook_secret": "whsec_x",
}


def keys(**changes):
    key = RootKey("k", bytes(range(32)), Millis(changes.get("made_at", NOW - DAY)))
    more = changes.get("more", ())
    return RootKeys({purpose: KeyRing(purpose, (*more, key)) for purpose in PURPOSES})


def facts(settings=None, **changes):
    return Facts(
        **{
            "settings": Settings(**{**GOOD, **(settings or {})}),
            "sources": {},
            "now": NOW,
            "cores": 4,
            "memory_kib": 8 << 20,
            "argon2_ms": 30.0,
            "keys": keys(),
            "promises": {"journal_mode": "wal", "synchronous": "full"},
            "letters": Letters(None, {}),
            "pools": (("pool", PoolPolicy()),),
            "apps": (("app", AppPolicy()),),
            "database_read": True,
            **changes,
        }
    )


def test_a_sound_installation_has_nothing_wrong():
    assert findings(facts()) == []


WAITING = RootKey("w", bytes(range(1, 33)), Millis(NOW), waiting=True)
RETIRED = RootKey("r", bytes(range(2, 34)), Millis(0), Millis(NOW - DAY))


@pytest.mark.parametrize(
    ("case", "about", "level"),
    [
        (facts({"dev": True}), "dev", "weak"),
        (facts({"public_url": ""}), "public_url", "weak"),
        (facts({"public_url": "http://id.example.com"}), "public_url", "weak"),
        (facts({"host": "0.0.0.0"}), "host", "weak"),
        (facts({"trusted_proxies": ()}), "trusted_proxies", "weak"),
        (facts({"trusted_proxies": ("0.0.0.0/0",)}), "trusted_proxies", "weak"),
        (facts({"backends": ("::/0",)}), "backends", "weak"),
        (facts({"outbound_networks": ("0.0.0.0/1",)}), "outbound_networks", "weak"),
        (facts({"log_level": "debug"}), "log_level", "note"),
        (facts({"webhook_url": ""}), "webhook_url", "problem"),
        (facts({"webhook_media": ("sms",)}), "webhook_media", "weak"),
        (facts({"webhook_secret": ""}), "webhook_secret", "problem"),
        (facts({"smtp_host": "mail.example.com", "smtp_tls": "none"}), "smtp_tls", "weak"),
        (facts(sources={"smtp_password": "the command line"}, settings={"smtp_password": "x"}), "smtp_password", "weak"),
        (facts(sources={"webhook_secret": "OSTIARY_WEBHOOK_SECRET"}), "webhook_secret", "note"),
        (facts(sources={"webhook_secret": "the command line"}), "webhook_secret", "weak"),
        (facts(open_files={"/etc/ostiary.toml": 0o644}), "/etc/ostiary.toml", "weak"),
        (facts(argon2_ms=4.0), "argon2_*", "weak"),
        (facts(argon2_ms=900.0), "argon2_*", "weak"),
        (facts({"password_threads": 9}), "password_threads", "weak"),
        (facts({"argon2_memory_kib": 4 << 20}), "argon2_memory_kib", "weak"),
        (facts(keys=keys(made_at=0)), "keys: codes", "weak"),
        (facts(keys=keys(more=(WAITING,))), "keys: seal", "weak"),
        (facts(keys=keys(more=(RETIRED,))), "keys: tokens", "note"),
        (facts(clock_apart=2_001), "clock", "problem"),
        (facts(promises={"synchronous": "normal"}), "synchronous", "problem"),
        (facts(promises={"journal_mode": "delete"}), "journal_mode", "problem"),
        (facts(promises={"fsync": "off"}), "fsync", "problem"),
        (facts(promises={"full_page_writes": "off"}), "full_page_writes", "problem"),
        (facts(promises={"synchronous_commit": "off"}), "synchronous", "problem"),
        (facts({"database": "postgresql://me@db.example.com/x"}), "database", "weak"),
        (facts(dev_database=True), "database", "problem"),
        (facts(pools=()), "database", "problem"),
        (facts(overdue=3), "audit", "problem"),
        (facts(letters=Letters(NOW - 2 * MINUTE, {})), "messages", "problem"),
        (facts(letters=Letters(None, {"dead": 2})), "messages", "weak"),
        (facts(pools=(("p", PoolPolicy(verify_code_length=5, wrong_codes_per_day=5)),)), "pool p: verifyCodeLength", "weak"),
        (facts(pools=(("p", PoolPolicy(wrong_codes_per_day=20)),)), "pool p: wrongCodesPerDay", "weak"),
        (facts(pools=(("p", PoolPolicy(allowed_origins="http://a.example")),)), "pool p: allowedOrigins", "weak"),
        (facts(apps=(("a", AppPolicy(refresh_token_rotation=False)),)), "app a: refreshTokenRotation", "weak"),
        (facts(apps=(("a", AppPolicy(access_token_life=86_400)),)), "app a: accessTokenLife", "weak"),
        (facts(apps=(("a", AppPolicy(redirect_uris=("http://a.example/back",))),)), "app a: redirectUris", "weak"),
    ],
)  # fmt: skip # one line a case
def test_each_weakness_is_named(case, about, level):
    assert (about, level) in {(one.about, one.level) for one in findings(case)}


def test_the_worst_comes_first():
    order = [one.level for one in findings(facts({"log_level": "debug", "webhook_url": ""}, overdue=1))]
    assert order == sorted(order, key=("problem", "weak", "note").index)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:p@ss:word@db/x", "postgresql://me:***@db/x"),
        ("postgresql://me@db/x", "postgresql://me@db/x"),
        ("sqlite:////data/x.db", "sqlite:////data/x.db"),
    ],
)
def test_the_password_of_a_database_is_masked(url, shown):
    assert masked(Settings(database=url), "database") == shown


# ── tuning ──────────────────────────────────────────────────────────────────────────────────


def machine(memory_kib, passes, lanes):
    """A check costs 1 ms per MiB and pass."""
    return memory_kib / 1024 * passes / lanes


@pytest.mark.parametrize("target", [1, 30, 38, 50, 100, 500, 2_000])
def test_a_proposal_is_never_below_the_floor_and_near_the_target(target):
    found = propose(target, 1 << 20, machine)
    assert (found.memory_kib, found.passes, found.lanes) >= (19_456, 2, 1)
    assert found.passes >= 2
    assert found.milliseconds <= max(target, machine(19_456, 2, 1))
    assert found.milliseconds >= 0.8 * target


def bending(memory_kib, passes, lanes):
    """A machine whose caches end: twice the memory costs three times as much."""
    return 20 * (memory_kib / 19_456) ** 1.585 * passes / 2 / lanes


def stepping(memory_kib, passes, lanes):
    """A machine whose cost jumps where its memory does not fit any more."""
    return machine(memory_kib, passes, lanes) * (1 if memory_kib < 64 << 10 else 3)


@pytest.mark.parametrize("target", [25, 30, 60, 100, 250, 1_000, 5_000])
def test_an_overshoot_leads_down_again_not_to_the_floor(target):
    found = propose(target, 4 << 20, bending)
    assert 0.8 * target <= found.milliseconds <= target
    assert found.memory_kib > 19_456


def test_below_a_jump_the_most_that_fits_is_proposed():
    found = propose(200, 4 << 20, stepping)
    assert found.milliseconds <= 200
    assert found.memory_kib >= 48 << 10
    assert found.next_step is not None
    assert found.next_step > 200


def test_passes_that_turn_out_too_dear_are_not_proposed():
    found = propose(1_000, 64 << 10, lambda *settings: machine(*settings) * (1 if settings[1] == 2 else 1.5))
    assert found.passes > 2
    assert found.milliseconds <= 1_000
    assert found.next_step is not None
    assert found.next_step > 1_000


def test_where_memory_ends_passes_are_added():
    found = propose(1_000, 64 << 10, machine)
    assert found.memory_kib == 64 << 10
    assert found.passes > 2
    assert 800 <= found.milliseconds <= 1_000
    assert found.next_step is None


# ── keys ────────────────────────────────────────────────────────────────────────────────────


def root(retired_at=None):
    return RootKey("k", bytes(range(32)), Millis(0), retired_at)


@pytest.mark.parametrize(
    ("purpose", "retired_at", "at_once", "goes"),
    [
        ("codes", None, True, False),
        ("codes", NOW, False, False),
        ("codes", NOW, True, True),
        ("tokens", NOW - 15 * MINUTE + 1, False, False),
        ("tokens", NOW - 15 * MINUTE, False, True),
        ("seal", NOW - DAY, True, False),  # something is sealed under it
        ("audit", 0, True, False),
    ],
)
def test_which_root_keys_may_go(purpose, retired_at, at_once, goes):
    sealing = frozenset({"k"}) if purpose == "seal" else frozenset()
    assert may_go(purpose, root(retired_at), NOW, sealing, at_once=at_once) is goes


def test_a_seal_that_holds_nothing_may_go():
    assert may_go("seal", root(NOW - DAY), NOW, frozenset(), at_once=False)


def test_a_signing_key_stays_until_its_last_token_has_ended():
    rows = [SigningKeyRow(str(age), "pool", "RS256", b"", "{}", Millis(NOW - age * DAY)) for age in (9, 2, 0)]
    assert signing_keys_to_drop(rows, NOW, at_once=False) == ["9"]
    assert signing_keys_to_drop(rows, NOW, at_once=True) == ["9", "2"]
    assert signing_keys_to_drop(rows[:1], NOW, at_once=True) == []


def test_a_signing_key_of_another_kind_is_no_successor():
    """An RS256 key is not over because an ES256 key came after it: each kind takes turns among its own."""
    ages = {"RS256": (9, 2), "ES256": (8, 1)}
    rows = sorted(
        (
            SigningKeyRow(f"{alg} {age}", "pool", alg, b"", "{}", Millis(NOW - age * DAY))
            for alg, own in ages.items()
            for age in own
        ),
        key=lambda row: row.made_at,
    )
    assert signing_keys_to_drop(rows, NOW, at_once=False) == ["RS256 9"]
    assert set(signing_keys_to_drop(rows, NOW, at_once=True)) == {"RS256 9", "ES256 8"}


# ── hashes ──────────────────────────────────────────────────────────────────────────────────

TAIL = "$c2FsdHNhbHRzYWx0$" + "a" * 43


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("$argon2id$v=19$m=19456,t=2,p=1" + TAIL, True),
        ("$argon2id$v=19$m=4096,t=1,p=1" + TAIL, True),
        ("$argon2i$v=19$m=19456,t=2,p=1" + TAIL, False),
        ("$argon2id$v=16$m=19456,t=2,p=1" + TAIL, False),
        ("$argon2id$v=19$m=99999999,t=2,p=1" + TAIL, False),
        ("$argon2id$v=19$m=19456,t=9999,p=1" + TAIL, False),
        ("$argon2id$v=19$m=19456,t=0,p=1" + TAIL, False),
        ("$2b$12$abcdefghijklmnopqrstuv", False),
        ("5f4dcc3b5aa765d61d8327deb882cf99", False),
    ],
)
def test_which_hashes_are_imported(text, usable):
    assert usable_hash(text) is usable
