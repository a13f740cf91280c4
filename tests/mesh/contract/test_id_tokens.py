"""When two texts are the same id token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.contract.id_tokens import match_key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("TAG1", "tag1", True),
        (" Tag1\t", "tag1", True),
        ("TAG 1", "TAG1", False),
        ("DE-ABC-C12345678-5", "deabcC123456785", True),
        ("DE-ABC-C12345678", "DEABCC12345678", True),
        ("DEABC-C12345678-5", "DE-ABCC123456785", True),
        ("DE-ABC-C12345678-5", "DE-ABC-C12345678-6", False),
        ("DE-ABC-A12345678-5", "DEABCA123456785", False),
        ("AB-12", "AB12", False),
        ("12-345-67", "1234567", False),
        ("É1", "é1", False),
        ("K\u212a", "Kk", False),  # the Kelvin sign is no letter of ASCII
    ],
)
def test_forms(one: str, other: str, same: bool) -> None:
    """Blanks around, ASCII case and the hyphens of eMAIDs do not count; everything else does."""
    assert (match_key(one) == match_key(other)) == same


@given(st.text())
def test_the_form_of_a_form_is_itself(text: str) -> None:
    """So that it does not matter who compares, and how often."""
    assert match_key(match_key(text)) == match_key(text)
