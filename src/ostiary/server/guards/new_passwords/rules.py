"""Which passwords may be chosen. Pure. One that is set already is never judged: it only has to be right.

Length is what makes a password good, and being unknown to those who guess: there are no rules about kinds of
characters, and none about age (NIST SP 800-63B-4 §3.1.1.2).
"""

from collections.abc import Collection, Iterable

from ostiary.contract.keys import Key
from ostiary.server.core.credentials import folded, may_be_password
from ostiary.server.core.phone import E164, is_e164, national_part, without_separators
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused

LONGEST = 1_024
"""Characters after NFKC, where one may become eighteen; the contract has cut what was typed at the same length."""
_SHORTEST_NAME = 4
"""Names shorter than this are no better known than any other four letters."""
_LITTLE = 3
"""Characters added to a name that everybody who guesses tries."""


def judge(
    policy: PoolPolicy,
    password: str,
    names: Iterable[str | None],
    common: Collection[str],
    field: str = "password",
) -> Refused | None:
    """Refused: `password_too_short` (data.minLength), `bad_request` (too long, control characters), `password_common`.

    `names`: what the account is known by. A password that is one of them, or little more, is as good as common.
    """
    if len(password) < policy.password_min_length:
        return Refused(Key.PASSWORD_TOO_SHORT, data={"field": field, "minLength": policy.password_min_length})
    plain = folded(password)
    if len(plain) > LONGEST or not may_be_password(password):
        return Refused(Key.BAD_REQUEST, data={"field": field})
    if policy.refuse_common_passwords and (plain in common or _says_a_name(plain, names)):
        return Refused(Key.PASSWORD_COMMON, data={"field": field})
    return None


def _says_a_name(plain: str, names: Iterable[str | None]) -> bool:
    """Whether a password is a name of the account with three more characters at most: `alice2026` is not, `alice123` is.

    Nor do separators make it another: `139-5555-0004` is the number, and `zoe.smith` is `zoesmith`.
    """
    bare = without_separators(plain)
    return any(_is_little_more(plain, name) or _is_little_more(bare, name) for name in _known(names))


def _known(names: Iterable[str | None]) -> Iterable[str]:
    """What names say: themselves, what stands before an @, a number without its country; each bare as well."""
    for name in map(folded, filter(None, names)):
        said = {name, name.partition("@")[0]}
        if is_e164(name):
            said |= {name.removeprefix("+"), national_part(E164(name))}
        yield from said | {without_separators(one) for one in said}


def _is_little_more(text: str, name: str) -> bool:
    return len(name) >= _SHORTEST_NAME and name in text and len(text) - len(name) <= _LITTLE
