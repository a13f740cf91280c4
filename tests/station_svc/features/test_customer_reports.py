"""Reports of stations about drivers: their permission, their data, and the erasure of a driver."""

import pytest
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import customer_information_pb2 as pb
from csms.station.v1 import customer_information_service_pb2 as service
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.customer_information_service_pb2_grpc import CustomerInformationServiceStub

from mesh.contract.drivers import Driver
from mesh.driver_tables import REMOVE
from station_svc.features.customer_information import reports
from station_svc.features.customer_information.models import customer_report, customer_report_part
from station_svc.features.customer_information.store import MOST_PARTS
from tests.station_svc.answers import answering
from tests.station_svc.conftest import StationSystem, access_token, fails_with, reason_of

ADMINISTRATOR = (("authorization", f"Bearer {access_token(role='ADMINISTRATOR')}"),)
DRIVER = Driver(tenant_id="default", id_tokens=("04A1B2C3D4",), pseudonym="erased-1")


async def _request(system: StationSystem, **fields: object) -> int:
    """An administrator requests a report, which the station accepts; returns its number."""
    answer = pb.CustomerInformationResponse(status=pb.CUSTOMER_INFORMATION_STATUS_ACCEPTED)
    system.gateway.behave = answering(lambda _sent: answer)
    request = pb.CustomerInformationRequest(station_id="CP1", report=True, **fields)  # type: ignore[arg-type]
    await system.commands.CustomerInformation(request, metadata=ADMINISTRATOR)
    return system.gateway.calls[-1].customer_information.report_id


def _part(system: StationSystem, epoch: int, report_id: int, seq_no: int, data: str) -> ingest_pb2.ReportItem:
    part = pb.CustomerInformationPart(report_id=report_id, seq_no=seq_no, data=data)
    return ingest_pb2.ReportItem(origin=system.origin("CP1", epoch), customer_information=part)


async def _list(system: StationSystem) -> list[service.CustomerReport]:
    stub = CustomerInformationServiceStub(system.operators)
    request = service.ListCustomerReportsRequest(station_id="CP1")
    return list((await stub.ListCustomerReports(request, metadata=ADMINISTRATOR)).customer_reports)


async def test_only_administrators_read_and_request(system: StationSystem) -> None:
    """They are drivers' data, as exports are."""
    await system.open("CP1")
    with fails_with("ROLE_TOO_LOW"):
        await system.commands.CustomerInformation(
            pb.CustomerInformationRequest(station_id="CP1", report=True, customer_identifier="c")
        )
    with fails_with("ROLE_TOO_LOW"):
        stub = CustomerInformationServiceStub(system.operators)
        await stub.ListCustomerReports(service.ListCustomerReportsRequest(station_id="CP1"))
    assert system.gateway.calls == []


async def test_parts_are_put_together_in_their_order(system: StationSystem) -> None:
    """However they come; a report of the same number begins anew."""
    epoch = await system.open("CP1")
    number = await _request(system, customer_identifier="c")
    for seq_no, data in ((1, "second"), (0, "first, ")):
        assert [reason_of(one) for one in await system.notify(_part(system, epoch, number, seq_no, data))] == [""]
    assert [one.data for one in await _list(system)] == ["first, second"]
    assert await _request(system, customer_identifier="c", report_id=number) == number
    assert [one.data for one in await _list(system)] == [""]


async def test_a_report_has_a_limit(system: StationSystem) -> None:
    epoch = await system.open("CP1")
    number = await _request(system, customer_identifier="c")
    items = [_part(system, epoch, number, seq_no, "x") for seq_no in (MOST_PARTS - 1, MOST_PARTS, MOST_PARTS + 1)]
    await system.notify(*items)
    assert await system.count(customer_report_part) == 1


@pytest.mark.parametrize(("text", "decision"), [("04A1B2C3D4", REMOVE), ("04a1b2c3d4 ", REMOVE), ("04FFFFFFFF", None)])
async def test_an_erased_driver_has_no_report(system: StationSystem, text: str, decision: object) -> None:
    """The report and all of its parts, whatever those say."""
    epoch = await system.open("CP1")
    await system.notify(_part(system, epoch, 9, 0, "of nobody"))
    for table, decide in ((customer_report, reports.of_driver), (customer_report_part, reports.part_of_driver)):
        rows = await system.database.read(
            lambda connection, table=table: connection.execute(table.select()).mappings().all()  # type: ignore[misc]
        )
        [row] = [dict(row) for row in rows]
        assert decide(row, DRIVER) is None
        assert decide(row | {"id_token": text}, DRIVER) is decision


async def test_a_part_has_the_driver_of_its_report(system: StationSystem) -> None:
    """Also where what it says names nobody."""
    epoch = await system.open("CP1")
    number = await _request(system, id_token=IdToken(id_token="04A1B2C3D4", type="ISO14443"))
    await system.notify(_part(system, epoch, number, 0, "charged on 1 May"))
    [found] = await _list(system)
    assert (found.id_token.id_token, found.data) == ("04A1B2C3D4", "charged on 1 May")
    rows = await system.database.read(
        lambda connection: connection.execute(customer_report_part.select()).mappings().all()
    )
    assert [reports.part_of_driver(dict(row), DRIVER) for row in rows] == [REMOVE]
