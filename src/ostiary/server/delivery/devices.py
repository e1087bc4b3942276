"""What a person would call the device behind a User-Agent: 'Chrome, Windows'.

A notice goes to someone who may be under attack, and the User-Agent is the attacker's to write. So nothing of
it is ever repeated: it only chooses between the names below.
"""

from typing import Final

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


def device_name(user_agent: str) -> str | None:
    """Program and system, as far as they are known; None where neither is."""
    names = [
        name
        for table in (_PROGRAMS, _SYSTEMS)
        if (name := next((name for mark, name in table if mark in user_agent), None)) is not None
    ]
    return ", ".join(names) or None
