"""What a User-Agent says of program and system: a word out of these tables, never a word of its own.

It is the caller's to write, so it chooses between names and is told as a guess.
"""

from typing import Final, Literal

Kind = Literal["Browser", "Mobile", "Desktop"]

_PROGRAMS: Final = (  # the first one found counts: Edge also says Chrome, Chrome also says Safari
    ("MicroMessenger", "WeChat"),
    ("AlipayClient", "Alipay"),
    ("DingTalk", "DingTalk"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl/", "curl"),
    ("okhttp", "Android app"),
    ("CFNetwork", "iOS app"),
    ("python", "Python"),
    ("Python", "Python"),
)
_SYSTEMS: Final = (  # Android also says Linux, iPhones also say Mac OS X
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)
_NO_BROWSERS: Final = frozenset({"curl", "Android app", "iOS app", "Python"})
_MOBILE: Final = frozenset({"HarmonyOS", "Android", "iPhone", "iPad"})
_APPS: Final = frozenset({"Android app", "iOS app"})


def program(user_agent: str) -> str | None:
    """`Chrome`, or None where it is none that is known."""
    return _first(_PROGRAMS, user_agent)


def system(user_agent: str) -> str | None:
    """`Windows`, or None."""
    return _first(_SYSTEMS, user_agent)


def kind(user_agent: str) -> Kind:
    """What sort of device it says it is."""
    named = program(user_agent)
    if system(user_agent) in _MOBILE or named in _APPS:
        return "Mobile"
    return "Browser" if named is not None and named not in _NO_BROWSERS else "Desktop"


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for mark, name in table if mark in user_agent), None)
