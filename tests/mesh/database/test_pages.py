"""Pages of a list."""

import base64

import pytest
from csms.station.v1.rollout_service_pb2 import ListRolloutsRequest

from mesh.database.pages import MOST_BYTES, Page, decode_token, encode_token, page_of, page_size
from mesh.runtime.errors import MeshError


def test_page_size_has_a_default_and_a_bound() -> None:
    """AIP-158: 0 means the default, too many mean the most; fewer than none is an error."""
    assert [page_size(asked) for asked in (0, 1, 1000, 1001)] == [50, 1, 1000, 1000]
    assert page_size(0, default=100) == 100
    with pytest.raises(MeshError, match="INVALID_FIELD"):
        page_size(-1)


def test_token_holds_the_key_of_the_last_row() -> None:
    """The row one too many shows that there is a next page."""
    rows = [("a", 1), ("b", 2), ("ü", 3)]
    page, token = Page(limit=3).cut(rows, lambda row: row)
    assert list(page) == rows[:2]
    assert decode_token(token, [str, int]) == ("b", 2)
    page, token = Page(limit=4).cut(rows, lambda row: row)
    assert (list(page), token) == (rows, "")
    assert decode_token("", [str, int]) is None


def test_a_page_of_large_rows_is_cut_to_what_a_message_holds() -> None:
    """Never empty, however large a row is; and all rows are on some page."""
    rows = [("a", 1), ("b" * MOST_BYTES, 2), ("ü" * (MOST_BYTES // 2), 3), ("d", 4), ("e", 5)]
    pages, left = [], rows
    while left:
        page, token = Page(limit=4).cut(left[:4], lambda row: (row[1],), text=lambda row: row[0])
        pages.append([number for _text, number in page])
        left = left[len(page) :]
        assert decode_token(token, [int]) == ((page[-1][1],) if left else None)
    assert pages == [[1], [2], [3], [4, 5]]


def _raw(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "ü",
        "a",
        _raw("[]"),
        _raw('["", "a"]'),
        _raw('["", 1, 1]'),
        _raw('["", "a", 1, 2]'),
        _raw('{"a": 1}'),
        _raw('["", "a", 99999999999999999999999]'),
        _raw('["", "nul\\u0000", 1]'),
        encode_token(["a", 1], binding="another filter"),
    ],
)
def test_tokens_that_are_not_ours_are_refused(token: str) -> None:
    with pytest.raises(MeshError) as caught:
        decode_token(token, [str, int])
    assert caught.value.reason == "INVALID_PAGE_TOKEN"


def test_token_is_bound_to_its_filter() -> None:
    token = encode_token([1], binding="on = true")
    assert decode_token(token, [int], binding="on = true") == (1,)


def test_a_request_gives_size_position_and_binding() -> None:
    """The next page is asked for with the token of the one before; another binding does not fit it."""
    request = ListRolloutsRequest(page_size=2)
    page = page_of(request, [str, int], binding="b", condition="c")
    assert page == Page(limit=3, after=None, condition="c", binding="b")
    rows, request.page_token = page.cut([("a", 1), ("b", 2), ("c", 3)], lambda row: row)
    assert rows == [("a", 1), ("b", 2)]
    assert page_of(request, [str, int], binding="b").after == ("b", 2)
    with pytest.raises(MeshError, match="INVALID_PAGE_TOKEN"):
        page_of(request, [str, int], binding="other")
    request.page_size = 0
    assert page_of(request, [str, int], binding="b", default=7).limit == 8
