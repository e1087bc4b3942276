"""The list of countries: calling codes from the number plans (`phonenumbers`), names and letters from CLDR (Babel)."""

from functools import cache

import phonenumbers

from ostiary.contract.own_page import CountryDetailInfo, LangObject, LangUnit

_WITHDRAWN = frozenset({"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"})
"""Letters of countries that are no more (ISO 3166-3), which CLDR still leads to their heirs."""
_LANGUAGES = {"zh_cn": "zh_Hans", "en_us": "en", "zh_tw": "zh_Hant", "ja_jp": "ja"}
_FLAG_A = 0x1F1E6
"""REGIONAL INDICATOR SYMBOL LETTER A: two of these letters make a flag (Unicode UTS #51)."""


@cache
def countries() -> list[CountryDetailInfo]:
    """All regions that have telephone numbers, by their two letters."""
    from babel import Locale  # here and below: no start waits for what is asked for now and then

    letters = _alpha3()
    names = {field: Locale.parse(language).territories for field, language in _LANGUAGES.items()}
    return [
        CountryDetailInfo(
            alpha2=region,
            alpha3=letters[region],
            phone_country_code=f"+{phonenumbers.country_code_for_region(region)}",
            flag="".join(chr(_FLAG_A + ord(letter) - ord("A")) for letter in region),
            name=LangObject(
                **{field: LangUnit(enabled=True, value=name[region]) for field, name in names.items()}
            ),
        )
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    ]


def _alpha3() -> dict[str, str]:
    """Two letters → three letters."""
    from babel.core import get_global

    return {
        two[0]: three
        for three, two in get_global("territory_aliases").items()
        if len(three) == 3 and three.isalpha() and len(two) == 1 and three not in _WITHDRAWN
    }
