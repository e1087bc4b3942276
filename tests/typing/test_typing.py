"""Mistakes that an editor finds before the program runs, and what it shows of a result."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
from ostiary import AuthenticationClient

client = AuthenticationClient(app_id="app", app_host="https://id.example.com")
reveal_type(client.verify_update_phone_request({}).data)
client.send_sms("CHANNEL_UPDATE_PHONE", "13900139000")
client.update_phone()
client.get_profile().data.phone_numer
AuthenticationClient(app_id="app", app_host="https://id.example.com", time_out=3)
"""
SEEN = [
    (5, 'Revealed type is "ostiary.contract.profile.VerifyUpdatePhoneRequestData"'),
    (6, "incompatible type \"Literal['CHANNEL_UPDATE_PHONE']\""),
    (7, 'Missing positional argument "update_phone_token"'),
    (8, '"User" has no attribute "phone_numer"'),
    (9, 'Unexpected keyword argument "time_out"'),
]


def test_an_editor_finds_mistakes(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--no-pretty", str(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if ": error:" in line or "Revealed" in line]
    assert len(lines) == len(SEEN), done.stdout + done.stderr
    for line, (number, text) in zip(lines, SEEN, strict=True):
        assert f"program.py:{number}:" in line
        assert text in line


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "src" / "ostiary" / "py.typed").exists()
