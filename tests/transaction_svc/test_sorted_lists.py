"""The order of the list of transactions, and the search in it."""

import pytest
from csms.transaction.v1.transaction_service_pb2 import ListTransactionsRequest
from sqlalchemy import Engine

from mesh.identity.callers import set_caller
from mesh.runtime.errors import MeshError
from tests.conftest import FakeClock
from tests.transaction_svc.conftest import make_service
from tests.transaction_svc.kit import CONTEXT, VIEWER, Service, start_16, stop_16


async def _fill(service: Service) -> dict[str, str]:
    """Four transactions: names for their numbers, by when they started. The third is open."""
    found = {}
    begins = {"a": ("CP2", 300), "b": ("CP1", 100), "c": ("CP2", 200), "d": ("CP1", 400)}
    for connector, (name, (station, second)) in enumerate(begins.items(), 1):
        event = start_16(second, connector=connector, id_tag=f"Tag{name}")
        number = (await service.one(event, station=station)).transaction_id
        found[f"{station} {number}"] = name
        if name != "c":
            energy = {"a": 1500, "b": 9000, "d": 1200}[name]
            await service.one(stop_16(number, second + 60, 1000 + energy, id_tag=f"Tag{name}"), station=station)
        service.clock.advance(1)
    set_caller(VIEWER)
    return found


async def _pages(service: Service, names: dict[str, str], **values: str) -> str:
    seen, token = "", ""
    while True:
        request = ListTransactionsRequest(page_size=2, page_token=token, **values)
        response = await service.operator.ListTransactions(request, CONTEXT)
        seen += "".join(names[f"{one.station_id} {one.transaction_id}"] for one in response.transactions)
        token = response.next_page_token
        if not token:
            return seen


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("", "dcba"),
        ("create_time", "abcd"),
        ("start_time", "bcad"),
        ("start_time desc", "dacb"),
        ("energy_wh desc", "badc"),
        ("energy_wh", "cdab"),
        ("station_id, start_time desc", "dbac"),
        ("station_id desc, energy_wh desc", "acbd"),
    ],
)
async def test_transactions_are_listed_in_the_order_that_is_asked_for(
    service: Service, order_by: str, expected: str
) -> None:
    """Over pages, whether they are open or ended."""
    assert await _pages(service, await _fill(service), order_by=order_by) == expected


async def test_a_page_token_belongs_to_its_order(service: Service) -> None:
    """Another order with the same token is refused, and so is one that there is not."""
    await _fill(service)
    first = await service.operator.ListTransactions(ListTransactionsRequest(page_size=1), CONTEXT)
    for request, reason in (
        (ListTransactionsRequest(page_token=first.next_page_token, order_by="energy_wh"), "INVALID_PAGE_TOKEN"),
        (ListTransactionsRequest(order_by="end_time"), "INVALID_FIELD"),
    ):
        with pytest.raises(MeshError) as caught:
            await service.operator.ListTransactions(request, CONTEXT)
        assert caught.value.reason == reason


async def test_a_text_is_found_wherever_it_stands(service: Service) -> None:
    """In the station's id and the id token, as a part, in any case of letters."""
    names = await _fill(service)
    for text, expected in (
        ('"taga"', "a"),
        ('"AGB"', "b"),
        ('"cp1"', "db"),
        ('"tag" AND state = "ACTIVE"', "c"),
        ('"nothing"', ""),
    ):
        assert await _pages(service, names, filter=text) == expected, text


@pytest.mark.parametrize(
    ("values", "sizes", "found"),
    [
        # In windows of three of the four transactions: a page that is not full has a token while others are left.
        ({"filter": '"taga"'}, [0, 1], "a"),
        ({"filter": '"tagd"'}, [1, 0], "d"),
        ({"filter": '"tag"'}, [3, 1], "dcba"),
        ({"filter": '"nothing"'}, [0, 0], ""),
        ({"filter": '"tag" AND station_id = "CP1"'}, [2, 0], "db"),
        ({"filter": '"tag"', "order_by": "start_time"}, [3, 1], "bcad"),
        ({"filter": '"taga"', "order_by": "start_time desc"}, [1, 0], "a"),
        # No index has this order, a station has few, and no text is searched: in one page.
        ({"filter": '"taga"', "order_by": "energy_wh"}, [1], "a"),
        ({"filter": '"taga"', "station_id": "CP2"}, [1], "a"),
        ({"filter": 'id_token = "Taga"'}, [1], "a"),
    ],
)
async def test_a_page_of_a_search_looks_at_a_bounded_number_of_transactions(
    engine: Engine, clock: FakeClock, values: dict[str, str], sizes: list[int], found: str
) -> None:
    service = make_service(engine, clock, search_rows=3)
    names = await _fill(service)
    pages: list[str] = []
    token = ""
    while not pages or token:
        request = ListTransactionsRequest(page_size=10, page_token=token, **values)
        response = await service.operator.ListTransactions(request, CONTEXT)
        pages.append("".join(names[f"{one.station_id} {one.transaction_id}"] for one in response.transactions))
        token = response.next_page_token
    assert [len(page) for page in pages] == sizes
    assert "".join(pages) == found
    await service.database.close()
