"""The open transaction of an EVSE, for a station that reports about its vehicle."""

from collections.abc import Sequence

from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_BLOCKED
from csms.transaction.v1.transaction_ingest_service_pb2 import FindEvseTransactionsItem, FindEvseTransactionsRequest

from mesh.runtime.errors import from_status
from tests.transaction_svc.kit import CONTEXT, Service, event_2x


async def _found(service: Service, *evses: tuple[str, int]) -> Sequence[str]:
    items = [FindEvseTransactionsItem(evse_id=evse_id) for _station, evse_id in evses]
    for item, (station, _evse_id) in zip(items, evses, strict=True):
        item.origin.tenant_id, item.origin.station_id = "default", station
    response = await service.ingest.FindEvseTransactions(FindEvseTransactionsRequest(items=items), CONTEXT)
    return [from_status(one.error).reason if one.HasField("error") else one.transaction_id for one in response.results]


async def test_the_open_transaction_of_each_evse(service: Service) -> None:
    """By station and EVSE; none where it has ended, where there was none, or for the station as a whole."""
    for name, evse_id in (("a", 1), ("b", 2)):
        await service.one(event_2x(name, "STARTED", 0, 0, 100, evse=EvseRef(evse_id=evse_id)))
    assert await _found(service, ("CP1", 1), ("CP1", 2), ("CP1", 3), ("CP2", 1), ("CP1", 0)) == ["a", "b", "", "", ""]
    await service.one(event_2x("a", "ENDED", 1, 60, 200))
    assert await _found(service, ("CP1", 1)) == [""]


async def test_the_latest_one_and_none_that_was_refused(service: Service) -> None:
    evse = EvseRef(evse_id=1)
    await service.one(event_2x("a", "STARTED", 0, 0, 100, evse=evse))
    await service.one(event_2x("b", "STARTED", 0, 60, 100, evse=evse))
    refused = await service.one(event_2x("c", "STARTED", 0, 90, 100, evse=evse))
    await service.refuse(refused, AUTHORIZATION_STATUS_BLOCKED)
    assert await _found(service, ("CP1", 1)) == ["b"]


async def test_a_question_without_a_station(service: Service) -> None:
    """It fails alone."""
    assert await _found(service, ("", 1), ("CP1", 1)) == ["INVALID_FIELD", ""]
