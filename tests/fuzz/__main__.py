"""`python -m tests.fuzz number|token|wire [libFuzzer's options]`: one target under atheris; `tools/fuzz` runs them all.

atheris is in no environment of ours but its own (requirements/fuzz.txt): it has wheels for few Pythons.
"""

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped] # installed by tools/fuzz alone

with atheris.instrument_imports(
    include=["ostiary.server.core", "ostiary.server.web", "ostiary.server.guards"]
):
    from tests.fuzz.targets import TARGETS

name = sys.argv.pop(1)
corpus = Path(__file__).parent / "corpus" / name
# New finds go to the first folder; the second is only read.
found = Path(".fuzz") / name
found.mkdir(parents=True, exist_ok=True)
atheris.Setup([*sys.argv, str(found), str(corpus)], TARGETS[name])
atheris.Fuzz()
