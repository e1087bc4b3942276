"""What one row of the catalogue says."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Lang = Literal["zh-CN", "en-US"]

SUCCESS: Mapping[Lang, str] = MappingProxyType({"zh-CN": "操作成功", "en-US": "Done"})
"""`message` of an answer that went well."""


@dataclass(frozen=True, slots=True)
class Row:
    """One way to say no."""

    status_code: int
    api_code: int | None
    zh: str
    en: str
    hint_en: str
    """For the reference: when it happens, and what a program should do about it."""
    http_status: int = 200
    """200 wherever an operation answered; the real status where none did."""
    zh_short: str = ""
    """The sentence where what `zh` wants filled in is not known."""
    en_short: str = ""

    def sentence(self, lang: Lang, facts: Mapping[str, Any] | None) -> str:
        """The message: with the field's name or the seconds, where the sentence has a place for them."""
        full, short = (self.zh, self.zh_short) if lang == "zh-CN" else (self.en, self.en_short)
        if not short:
            return full
        field = (facts or {}).get("field")
        seconds = (facts or {}).get("retryAfter")
        if ("{field}" in full and field is None) or ("{seconds}" in full and seconds is None):
            return short
        return full.replace("{seconds}", str(seconds)).replace("{field}", str(field))
