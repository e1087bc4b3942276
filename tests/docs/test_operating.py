"""The unit that docs/operating.md shows can be loaded by systemd."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "operating.md")
COMMAND = "/usr/local/bin/ostiary"


def test_the_unit_of_systemd_is_a_good_one(tmp_path):
    [unit] = [block.text for block in PAGE.blocks_in("ini") if "ExecStart" in block.text]
    assert f"ExecStart={COMMAND} serve --config" in unit
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # the words were checked; who can judge the rest is not on this machine
        return
    ours = Path(sys.executable).with_name("ostiary")
    file = tmp_path / "ostiary.service"
    file.write_text(unit.replace(COMMAND, str(ours)))
    done = subprocess.run([analyze, "verify", file], capture_output=True, text=True, check=False, timeout=60)
    about_ours = [line for line in (done.stdout + done.stderr).splitlines() if "ostiary.service" in line]
    assert about_ours == []
