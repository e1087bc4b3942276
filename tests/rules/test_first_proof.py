"""What the first right code at an unproven address is worth: every case there is."""

import itertools

import pytest

from ostiary.server.guards.first_proof.rules import Worth, judge


@pytest.mark.parametrize(("by_admin", "asked", "has"), list(itertools.product((False, True), repeat=3)))
def test_what_a_first_proof_is_worth(by_admin, asked, has):
    worth = judge(set_by_administrator=by_admin, asked_of_everybody=asked, has_factors=has)
    if by_admin:
        assert worth is Worth.PROVEN
    else:
        assert worth is (Worth.NOTHING if asked and has else Worth.OWNERS)
