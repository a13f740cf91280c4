"""Passwords that people guess first, and others."""

import time

import pytest

from auth_svc.guessing import why_guessable


@pytest.mark.parametrize(
    "password",
    [
        *(
            "password",
            "PASSWORD1",
            "p@ssw0rd123",
            "dragon!2024",
            "dragondragon",
            "Welcome2026",
            "trustno1!!",
            "horse8273",
        ),
        *(
            "qwertyuiop",
            "1qaz2wsx",
            "abcd1234",
            "zyxwvuts",
            "12345678",
            "19871224",
            "aaaaaaaa",
            "abababab",
            "+49301234",
        ),
        *(
            "ChangeMe123",
            "wallbox2026",
            "correct-horse-battery-staple",
            "Tr0ub4dor&3",
            "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44",
        ),
        *("CSMS-is-a-long-one", "0cpp_M3sh-rules-here", "xx-hsem-ppco-xx"),
        *("vera-2026-x", "ver4ver4ver4", "AREV-vera-1"),
    ],
)
def test_guessable(password: str) -> None:
    """Common ones with decorations, runs of keys, the product's name and the user's."""
    assert why_guessable(password, username="Vera") is not None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "a new secret",
        "blue-kettle-rides",
        "several oranges a day",
        "k9$Vx!2pQz",
        "\u00fc" * 256,
        "x" * 257,
    ],
)
def test_not_guessable(password: str) -> None:
    """Words of one's own choice, also where a short name happens to be in them."""
    assert why_guessable(password, username="Vera") is None


def test_a_long_name_is_no_part_of_a_password() -> None:
    """Nor is a part of it that is a name of its own."""
    assert why_guessable("planning the outing of all", username="ann") is None
    assert why_guessable("ann-1-ann-2", username="ann") is not None
    assert why_guessable("xx-Wilhelmina-xx-and-more", username="wilhelmina") is not None
    assert why_guessable("xx-curie-1867-radium", username="marie.curie@example.org") is not None


def test_the_longest_password_takes_no_time() -> None:
    """It is looked at on the event loop."""
    begin = time.process_time()
    why_guessable("aB3-" * 64, username="x" * 64)
    assert time.process_time() - begin < 0.05
