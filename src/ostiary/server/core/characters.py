"""Characters that text is made of: which of them can be seen, and which steer a terminal instead of being text."""

import re

_IGNORABLE = (
    *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5)),
    *((0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164)),
    *((0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3)),
    *((0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
"""Default_Ignorable_Code_Point, first and last of each range: fonts draw nothing for them (Unicode 16.0,
DerivedCoreProperties.txt; since 180F came with 14.0 the list has not changed). Python knows no such property."""
_BLANK = ((0x2800, 0x2800), (0x13441, 0x13442), (0x16FE4, 0x16FE4), (0x1D159, 0x1D159))
"""Signs that are drawn as nothing by design and are not ignorable: the empty Braille cell, blanks of hieroglyphs,
the filler of Khitan, the note without a head."""

BETWEEN = r"\s\-‐‑‒–—―−\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
"""What people and programs put between the characters of numbers and codes, for a class of a regular expression: spaces,
dashes, and what can't be seen and comes with a pasted text."""

_UNSEEN = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in (*_IGNORABLE, *_BLANK))}]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def all_visible(text: str) -> bool:
    """Whether everything in it is seen, or is a plain space: two texts that look alike then have no hidden difference.

    More than `isprintable`, which lets through what modifies its neighbour without a trace (U+FE0F, U+034F).
    """
    return text.isprintable() and _UNSEEN.search(text) is None


def has_control(text: str) -> bool:
    """Whether a control character (Unicode's Cc: C0, DEL, C1) is in it."""
    return _CONTROL.search(text) is not None
