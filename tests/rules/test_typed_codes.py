"""Codes as people type them (phone-change.md §4): NFKC, without spaces and dashes, 4 to 10 digits, or a 400."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.server.core.passcode import read_passcode


@pytest.mark.parametrize(
    "text",
    ["123456", " 123456 ", "123 456", "123-456", "１２３４５６", "123\u2013456", "１２３－４５６", "1 2 3 4 5 6",
     "123456\n", "\u200b123456", "123\u00a0456", "123\u2212456", "\ufeff123456", "--123456--"],
)  # fmt: skip # a list
def test_one_code(text: str) -> None:
    assert read_passcode(text) == "123456"


@pytest.mark.parametrize("text", ["0000", "0123", "1234567890", "00000000"])
def test_leading_zeros_stay(text: str) -> None:
    assert read_passcode(text) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "123", "12345678901", "12345a", "abcdef", "12.3456", "+123456", "12_3456", "١٢٣٤٥٦", "१२३४५६", "123456\x00",
     "1e5000", "0x1234", " " * 60 + "123456", "-", "123,456", "null"],
)  # fmt: skip # a list
def test_what_is_no_code(text: str) -> None:
    assert read_passcode(text) is None


@given(st.text(max_size=70))
def test_only_digits_come_out(text: str) -> None:
    read = read_passcode(text)
    assert read is None or (read.isascii() and read.isdigit() and 4 <= len(read) <= 10)
