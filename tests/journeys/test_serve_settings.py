"""Settings: where they come from, which source wins, and what is refused."""

import sys

import pytest

from ostiary.server.settings import Settings, SettingsError, load, reference


def test_without_anything_the_defaults_hold():
    assert load({}, {}).settings == Settings()


def test_later_sources_win(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text('host = "10.0.0.1"\nport = 1\nkeep_alive = 7\n')
    loaded = load({"port": 3, "host": None}, {"OSTIARY_PORT": "2", "OSTIARY_KEEP_ALIVE": "8"}, file)
    assert (loaded.settings.host, loaded.settings.port, loaded.settings.keep_alive) == ("10.0.0.1", 3, 8)
    assert loaded.sources == {
        "host": str(file),
        "port": "the command line",
        "keep_alive": "OSTIARY_KEEP_ALIVE",
    }


def test_the_file_may_be_named_in_the_environment(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text("port = 1\n")
    assert load({}, {"OSTIARY_CONFIG": str(file)}).settings.port == 1


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path):
    secret = tmp_path / "database"
    secret.write_text("postgresql://ostiary:secret@db/ostiary\n")
    loaded = load({}, {"OSTIARY_DATABASE_FILE": str(secret)})
    assert loaded.settings.database == "postgresql://ostiary:secret@db/ostiary"


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("Yes", True), ("false", False), ("0", False), ("no", False)],
)
def test_flags_in_the_environment(text, value):
    assert load({}, {"OSTIARY_DEV": text}).settings.dev is value


def test_lists_in_the_environment_have_commas():
    settings = load({}, {"OSTIARY_BACKENDS": "10.0.0.1, 2001:db8::/32 ,"}).settings
    assert settings.backends == ("10.0.0.1", "2001:db8::/32")


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"OSTIARY_PROT": "1"}, "did you mean OSTIARY_PORT"),
        ({"OSTIARY_QQQQQ": "1"}, "no setting OSTIARY_QQQQQ"),
        ({"OSTIARY_PORT": "many"}, "^OSTIARY_PORT: port: 'many' can't be used; allowed: 0 to 65535$"),
        ({"OSTIARY_PORT": "70000"}, "^OSTIARY_PORT: port: '70000' can't be used; allowed: 0 to 65535$"),
        ({"OSTIARY_DEV": "maybe"}, "dev: 'maybe' can't be used; allowed: true or false$"),
        ({"OSTIARY_ARGON2_MEMORY_KIB": "1024"}, "19456"),
        ({"OSTIARY_BACKENDS": "everyone"}, "neither an address nor a network"),
        ({"OSTIARY_DATABASE": "oracle://x"}, "database: expected: sqlite:///PATH or postgresql://"),
        (
            {"OSTIARY_PUBLIC_URL": "https://id.example/"},
            "public_url: expected: .* without a trailing slash",
        ),
        ({"OSTIARY_PUBLIC_URL": "id.example"}, "public_url: expected: The URL"),
        (
            {"OSTIARY_LOG_LEVEL": "loud"},
            "log_level: 'loud' can't be used; allowed: debug, error, info, warning$",
        ),
        ({"OSTIARY_WEBHOOK_MEDIA": "fax"}, "webhook_media: .* allowed: a list: email, sms$"),
        (
            {"OSTIARY_DATABASE_FILE": "/nowhere/at/all"},
            "^OSTIARY_DATABASE_FILE: /nowhere/at/all can't be read: No such file or directory$",
        ),
        ({"OSTIARY_DATABASE_FILE": sys.executable}, "can't be read: it is not text in UTF-8$"),
        ({"OSTIARY_CONFIG": "/nowhere/at/all"}, "can't be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(environment, reason):
    with pytest.raises(SettingsError, match=reason) as refused:
        load({}, environment)
    assert "regex" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["prot = 1", "port = ", "port = 'x'", "dev = 1", "[server]\nport = 1", "\xff"]
)
def test_a_file_is_read_as_strictly(tmp_path, text):
    file = tmp_path / "ostiary.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError):
        load({}, {}, file)


def test_every_setting_has_its_text_and_its_default():
    rows = reference()
    assert [row.name for row in rows] == list(Settings.__struct_fields__)
    for row in rows:
        assert row.text.endswith("."), row.name
        assert row.default == getattr(Settings(), row.name)
