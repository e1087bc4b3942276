"""The table of what is not served, beside the table of what is: no operation stands in both, and every row says enough."""

from itertools import groupby

from ostiary.contract import instead
from ostiary.contract.instead import Instead
from ostiary.contract.operations import BY_NAME, BY_PATH, OPERATIONS
from ostiary.contract.unserved import OPTIONS, UNSERVED

SENTENCES = {name: value for name, value in vars(instead).items() if isinstance(value, Instead)}


def test_no_operation_stands_in_both_tables():
    both = [row.name for row in UNSERVED if row.method in BY_PATH.get(row.path, {})]
    assert not both, f"built now: take their rows out of contract/unserved*.py: {both}"
    methods = {
        (op.name, side)
        for op in OPERATIONS
        for side in ("AuthenticationClient", "ManagementClient")
        if (op.group == "Management") == (side == "ManagementClient")
    }
    assert not [row.name for row in UNSERVED if (row.name, row.side) in methods]


def test_a_method_has_one_row_and_a_door_one_sentence():
    names = [(row.side, row.name) for row in UNSERVED]
    assert len(set(names)) == len(names)
    doors = sorted(
        ((row.method, row.path, row.instead.en) for row in UNSERVED if row.path), key=lambda door: door[:2]
    )
    for door, rows in groupby(doors, key=lambda door: door[:2]):
        assert len({sentence for _, _, sentence in rows}) == 1, door


def test_every_sentence_is_used_and_there_in_both_languages():
    used = {row.instead for row in UNSERVED} | set(OPTIONS.values())
    for name, sentence in SENTENCES.items():
        unused = sentence not in used and not name.startswith("SOON_")
        assert not unused, f"instead.{name} is said by no row any more: take it out"
        assert any("\u4e00" <= letter <= "\u9fff" for letter in sentence.zh), name
        assert sentence.en.isascii(), name
        assert len(sentence.en) > 40, name


def test_options_name_operations():
    assert {operation for operation, _ in OPTIONS} <= set(BY_NAME)
