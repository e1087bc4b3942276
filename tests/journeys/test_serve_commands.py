"""The other commands: demo, worker, migrate, help."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.service import clean_environment, end, first_line, launch, run, start

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def ostiary(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "ostiary.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment(environment),
    )


@pytest.mark.parametrize("missing", ["typer", "uvicorn"])
def test_a_library_that_is_not_installed_is_told_in_a_sentence(tmp_path, missing):
    """As after `pip install ostiary`; by the function that the installed command calls."""
    module, _, function = tomllib.loads(PYPROJECT.read_text())["project"]["scripts"]["ostiary"].partition(":")
    program = f"import sys; sys.modules[{missing!r}] = None; from {module} import {function}; {function}()"
    done = subprocess.run(
        [sys.executable, "-c", program, "serve", "--dev", "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment({}),
    )
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert said == [f'ostiary: {missing} is missing; to run the service: pip install "ostiary[server]"']


def test_the_demo_moves_a_number_shows_every_phone_and_leaves_nothing(tmp_path):
    done = ostiary("demo", TMPDIR=str(tmp_path), COLUMNS="100")
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in ("the new phone", "the old phone", "her mailbox", "+86 13912345678", "upt_", "91003"):
        assert shown in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_demo_needs_no_pytest_and_heeds_no_setting_and_no_proxy(tmp_path):
    nowhere = "http://127.0.0.1:1"
    environment = {"TMPDIR": str(tmp_path), "OSTIARY_PORT": "1", "http_proxy": nowhere, "all_proxy": nowhere}
    program = "import sys; sys.modules['pytest'] = None; from ostiary.cli.main import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", program, "demo"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment(environment),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_worker_beside_the_service_stops_on_sigterm(data_folder):
    service = start(data_folder)
    worker = launch(data_folder, "worker", "--dev")
    assert first_line(worker) == '{"event":"ready"}\n'
    number = service.number()
    service.client().send_sms("CHANNEL_LOGIN", number[3:])
    assert service.code(number, "CHANNEL_LOGIN")
    assert end(worker) == (0, "")
    assert service.stop() == 0


def test_migrate_makes_the_tables_and_then_has_nothing_to_do(data_folder):
    assert run(data_folder, "migrate")[0] == 0
    code, out, _ = run(data_folder, "migrate")
    assert code == 0
    assert "already" in out


def test_migrate_tells_why_it_cannot(data_folder):
    code, out, err = run(data_folder, "migrate", "--database", "postgresql://nobody@127.0.0.1:1/none")
    assert (code, out) == (2, "")
    assert err.startswith("ostiary: ")
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "init", "demo"])
def test_help_tells_the_exit_codes(command):
    done = ostiary(command, "--help")
    assert done.returncode == 0
    assert "Exit codes" in done.stdout


def test_a_database_that_is_away_is_a_refusal_with_its_reason(data_folder):
    code, out, err = run(
        data_folder, "serve", "--dev", "--port", "0", "--database", "postgresql://nobody@127.0.0.1:1/none"
    )
    assert (code, out) == (2, "")
    assert "database" in err
    assert "Traceback" not in err
