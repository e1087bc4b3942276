"""What somebody may have meant who typed a name that there is not."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`; did you mean verifyCodeTtl?`, or nothing where no name is near."""
    near = get_close_matches(name, tuple(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""
