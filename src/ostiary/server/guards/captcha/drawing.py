"""A text as a picture that people read: lines only, no letters in the markup. Pure; chance comes in as bytes.

It slows simple programs down and stops no determined one: what bounds guesses is the count of failures.
"""

import math
from collections.abc import Iterator

_STROKES = """
A 062046 1434
C 4130100105163645
E 40000646 0333
F 400006 0333
H 0006 4046 0343
J 4045361605
K 0006 400346
L 000646
M 0600234046
N 06004640
P 06003041423303
R 06003041423303 2346
T 0040 2026
U 000516364540
V 002640
W 0016233640
X 0046 4006
Y 002340 2326
3 003041423313 3344453606
4 36300444
6 40200205163645443303
7 004016
9 43130201103041433616
"""
"""A character, then its strokes: a pair of digits is a point, 0 to 4 across and 0 to 6 down."""
GLYPHS = {line[0]: line[2:] for line in _STROKES.split("\n") if line}
"""Letters and digits that are not mistaken for one another."""
ALPHABET = "".join(GLYPHS)

_STEP, _HEIGHT = 32, 56
_NOISE = 5
_BYTES_PER_POINT = 24
"""More than any glyph draws from chance."""


def chance_needed(length: int) -> int:
    """Bytes that a picture of so many characters is drawn with."""
    return (length + _NOISE) * 2 * _BYTES_PER_POINT


def draw(text: str, chance: bytes) -> str:
    """An SVG of the text."""
    dice = _dice(chance)
    width = _STEP * len(text) + 24
    paths = [
        line
        for place, character in enumerate(text)
        for line in _character(character, 16 + place * _STEP, dice)
    ]
    paths += [_noise(width, dice) for _ in range(_NOISE)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}"'
        f' viewBox="0 0 {width} {_HEIGHT}" role="img"><rect width="{width}" height="{_HEIGHT}" fill="#fff"/>'
        f'<g fill="none" stroke="#333" stroke-linecap="round" stroke-linejoin="round">{"".join(paths)}</g></svg>'
    )


def _character(character: str, left: float, dice: Iterator[float]) -> Iterator[str]:
    turn, lean, size = (next(dice) - 0.5) * 0.7, (next(dice) - 0.5) * 0.5, 5 + next(dice) * 1.2
    down = 8 + next(dice) * 8
    for stroke in GLYPHS[character].split():
        points = []
        for place in range(0, len(stroke), 2):
            x = (int(stroke[place]) - 2 + (next(dice) - 0.5) * 0.5) * size
            y = (int(stroke[place + 1]) - 3 + (next(dice) - 0.5) * 0.5) * size
            x += lean * y
            across = x * math.cos(turn) - y * math.sin(turn) + left + 10
            points.append((across, x * math.sin(turn) + y * math.cos(turn) + down + 16))
        yield _path(points, 2 + next(dice) * 1.5)


def _noise(width: int, dice: Iterator[float]) -> str:
    """A line from edge to edge, as thick as those of the characters."""
    points = [(width * place / 3, _HEIGHT * next(dice)) for place in range(4)]
    return _path(points, 1 + next(dice) * 1.5)


def _path(points: list[tuple[float, float]], thick: float) -> str:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{text}" stroke-width="{thick:.1f}"/>'


def _dice(chance: bytes) -> Iterator[float]:
    """Numbers from 0 to 1, a byte each."""
    for byte in chance:
        yield byte / 255
