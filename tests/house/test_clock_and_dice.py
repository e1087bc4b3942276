"""One clock and one source of chance: server/core/ports.py, and the SDK's own, which imports no server.

The service's clock can be moved (dev mode) and its chance is what codes, tokens and keys are made
of; a second source of either would be outside every test.
"""

import pytest

from tests.house.walk import Finding, Module, check_tree, full_names, modules, snippet

PORTS = {"ostiary.server.core.ports", "ostiary.client._ports"}

FORBIDDEN = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.ctime",
    "time.clock_gettime",
    "time.clock_gettime_ns",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "uuid.uuid1",
    "uuid.uuid4",
    "os.urandom",
    "os.getrandom",
}
FORBIDDEN_MODULES = ("random.", "secrets.")
# time.monotonic and time.sleep measure and wait; they decide nothing that is stored.
HARMLESS = {"secrets.compare_digest"}

# Module → what it may use, and why. A line that is no longer needed is red.
EXCEPTIONS: dict[str, tuple[set[str], str]] = {
    "ostiary.server.core.log": (
        {"time.time_ns"},
        "a log tells the machine's time, whatever the dev clock says",
    ),
}


def clocks_and_dice(module: Module):
    if module.name in PORTS:
        return
    allowed, _ = EXCEPTIONS.get(module.name, (set(), ""))
    for line, name in uses(module):
        if name not in allowed:
            yield Finding(line, f"{name}: ask ports for the time and for chance")


def uses(module: Module):
    for node, name in full_names(module):
        if name in HARMLESS:
            continue
        if name in FORBIDDEN or name.startswith(FORBIDDEN_MODULES):
            yield node.lineno, name


def test_there_is_one_clock_and_one_source_of_chance():
    check_tree(clocks_and_dice)


@pytest.mark.parametrize(
    "bad",
    [
        "import time\nnow = time.time()",
        "from time import time as clock\nnow = clock()",
        "from datetime import datetime as dt, UTC\nnow = dt.now(UTC)",
        "import datetime\nday = datetime.date.today()",
        "import random\nrandom.SystemRandom()",
        "from secrets import token_hex\ncode = token_hex(3)",
        "import uuid\nid = uuid.uuid4()",
        "import os\nkey = os.urandom(32)",
    ],
)
def test_another_clock_is_found(bad):
    assert list(clocks_and_dice(snippet(bad)))


@pytest.mark.parametrize(
    "good",
    ["import time\nstart = time.monotonic()", "import secrets\nsecrets.compare_digest(a, b)", "time.time()"],
)
def test_measuring_is_not_a_clock(good):
    assert not list(clocks_and_dice(snippet(good)))


def test_every_exception_is_used_and_has_a_reason():
    by_name = {module.name: module for module in modules()}
    for name, (allowed, reason) in EXCEPTIONS.items():
        assert reason, name
        assert name in by_name, f"{name} is gone: take it off the list"
        assert allowed <= {used for _, used in uses(by_name[name])}, f"{name} no longer uses all of {allowed}"
