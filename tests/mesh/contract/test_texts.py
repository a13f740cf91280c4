"""Texts that databases do not take."""

import pytest

from mesh.contract.texts import is_storable, replace_nul, without_nul


@pytest.mark.parametrize(
    ("text", "storable", "dropped", "replaced"),
    [
        ("", True, "", ""),
        ("Grüße 😀\x01", True, "Grüße 😀\x01", "Grüße 😀\x01"),
        ("TAG\0", False, "TAG", "TAG\ufffd"),
        ("\0a\0\0b", False, "ab", "\ufffda\ufffd\ufffdb"),
    ],
)
def test_a_nul_is_found_and_goes(text: str, storable: bool, dropped: str, replaced: str) -> None:
    assert (is_storable(text), without_nul(text), replace_nul(text)) == (storable, dropped, replaced)
