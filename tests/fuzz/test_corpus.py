"""The fuzzer's corpus, replayed, and small changes of it: a few seconds of what `tools/fuzz` does for minutes."""

import random
import time
from pathlib import Path

import pytest

from tests.counts import count
from tests.fuzz.targets import TARGETS, _genuine

CORPUS = Path(__file__).parent / "corpus"
CHANGES = count(40, 2_000)
"""Changed copies of each file."""
SLOWEST = 0.25
"""Seconds for one input of at most 64 KiB (security anchors D2: 50 ms on a machine that does nothing else)."""


def files(name: str) -> list[Path]:
    return sorted((CORPUS / name).iterdir())


@pytest.mark.parametrize(
    "path", [path for name in TARGETS for path in files(name)], ids=lambda path: path.name
)
def test_the_corpus_and_what_is_near_it(path: Path):
    target, seed = TARGETS[path.parent.name], path.read_bytes()
    dice = random.Random(path.name)
    target(seed)
    for _ in range(CHANGES):
        target(changed(seed, dice))


def changed(seed: bytes, dice: random.Random) -> bytes:
    """Some bytes of it replaced, left out, doubled or put in."""
    data = bytearray(seed)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(5):
            case 0:
                data[at:at] = dice.choice(TROUBLE)
            case 1:
                del data[at : at + dice.randint(1, 8)]
            case 2:
                data[at:at] = data[at : at + dice.randint(1, 16)]
            case 3:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case _:
                data[at:at] = data[dice.randrange(len(data) + 1) :][:12]
    return bytes(data)


TROUBLE = [
    *(
        b"\x00",
        b'"',
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"[",
        b"{",
        b"}",
        b"]",
        b",",
        b":",
        b"null",
        b"1e999",
        b"-0",
    ),
    *(
        "\uff18\uff16".encode(),
        "\u0661".encode(),
        "\u200e+".encode(),
        b"00",
        b"+86",
        b"|",
        b".",
        b"..",
        b"=",
        b"e30",
    ),
    *(b"\xff", b"\xed\xa0\x80", b"%00", b"&", b"Bearer ", b"Basic ", b"true", b"9" * 400),
]


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize(
    "piece", [b"[", b'{"a":', b'"\\', b"\\", b"9", b".", b"+", b"0", b"a=b&", b"\xff", b'"x":1,']
)
def test_sixty_four_kib_of_anything_takes_no_time(name: str, piece: bytes):
    for lead in (b"", b"\x82", b"\x80{"):
        data = (lead + piece * 65_536)[: 64 * 1_024]
        begun = time.process_time()
        TARGETS[name](data)
        assert time.process_time() - begun < SLOWEST


def test_a_token_that_is_ours_is_one():
    """Else the token target would never see the other side of its assertion."""
    TARGETS["token"](_genuine().encode())
    TARGETS["token"](b"Bearer " + _genuine().encode())
