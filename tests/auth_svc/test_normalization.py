"""Normalization of texts: how they are compared, and which are taken."""

import pytest

from auth_svc.normalization import STATUSES, TYPES, canonical, fold, is_plain


@pytest.mark.parametrize("word", STATUSES)
def test_every_status_is_found_in_every_spelling(word: str) -> None:
    """OCPP's own, protobuf's, lower and upper case."""
    snake = "".join(f"_{letter}" if letter.isupper() else letter for letter in word)
    for spelling in (word, word.upper(), word.lower(), snake.upper(), f"AUTHORIZATION_STATUS{snake.upper()}"):
        assert canonical(spelling, STATUSES, prefix="AUTHORIZATION_STATUS") == word


def test_other_words_are_not_found() -> None:
    """No guessing."""
    for text in ("", "Accept", "AUTHORIZATION_STATUS", "AUTHORIZATION_STATUS_UNSPECIFIED", "ConcurrentTx"):
        assert canonical(text, STATUSES, prefix="AUTHORIZATION_STATUS") is None
    assert canonical("RFID", TYPES, prefix="ID_TOKEN_TYPE") is None


@pytest.mark.parametrize("text", ["", " a", "a ", "a\n", "a\0b", "abcd", "\u200b"])
def test_texts_that_are_not_plain(text: str) -> None:
    """Empty, too long, with blanks around or with characters that cannot be seen."""
    assert not is_plain(text, 3)


def test_plain_texts_and_their_folded_form() -> None:
    """Any script; folding twice changes nothing."""
    for text in ("A", "a b", "Ünï", "卡片", "ABC-12:3"):
        assert is_plain(text, 8)
        assert fold(fold(text)) == fold(text) == fold(text.upper())
