"""Commands to stations that are not accepted: refused here, with the reason, and nothing sent."""

from typing import Any, TypeAlias

import grpc
import pytest
import sqlalchemy as sa
from csms.common.v1 import id_token_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import firmware_pb2, reservation_pb2, station_pb2, station_service_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2

from mesh.runtime.times import DAY_US, to_timestamp
from tests.station_svc import tables
from tests.station_svc.conftest import NODE, StationSystem, attempt, fails_with

PENDING = station_pb2.REGISTRATION_STATUS_PENDING
REJECTED = station_pb2.REGISTRATION_STATUS_REJECTED
ACCEPTED = station_pb2.REGISTRATION_STATUS_ACCEPTED

TOKEN = id_token_pb2.IdToken(id_token="T")
START = ("RequestStartTransaction", pb.RequestStartTransactionRequest(station_id="CP1", id_token=TOKEN))
STOP = ("RequestStopTransaction", pb.RequestStopTransactionRequest(station_id="CP1", transaction_id="1"))
RESET = ("Reset", pb.ResetRequest(station_id="CP1", type=pb.RESET_TYPE_IMMEDIATE))
TRIGGER_BOOT = (
    "TriggerMessage",
    pb.TriggerMessageRequest(station_id="CP1", requested_message=pb.MESSAGE_TRIGGER_BOOT_NOTIFICATION),
)
TRIGGER_STATUS = (
    "TriggerMessage",
    pb.TriggerMessageRequest(station_id="CP1", requested_message=pb.MESSAGE_TRIGGER_STATUS_NOTIFICATION),
)


Command: TypeAlias = tuple[str, Any]


def raw(action: str, **payload: str) -> tuple[str, pb.SendCallRequest]:
    """Any action, by its own name."""
    request = pb.SendCallRequest(station_id="CP1", action=action)
    request.payload.update(payload)
    return "SendCall", request


RAW_START = raw("RemoteStartTransaction", idTag="T")
RAW_TRIGGER = raw("TriggerMessage", requestedMessage="BootNotification")
RAW_OTHER_TRIGGER = raw("TriggerMessage", requestedMessage="Heartbeat")
RAW_ODD_TRIGGER = raw("TriggerMessage")


@pytest.mark.parametrize(
    ("status", "version", "refused", "sent", "reason"),
    [
        (PENDING, "1.6", [START, STOP, RAW_START], [RESET, TRIGGER_BOOT], "STATION_PENDING"),
        (PENDING, "2.0.1", [], [START, RESET], ""),
        (REJECTED, "1.6", [START, RESET, TRIGGER_BOOT, RAW_TRIGGER], [], "STATION_REJECTED"),
        (
            REJECTED,
            "2.0.1",
            [RESET, TRIGGER_STATUS, RAW_OTHER_TRIGGER, RAW_ODD_TRIGGER],
            [TRIGGER_BOOT, RAW_TRIGGER],
            "STATION_REJECTED",
        ),
        (ACCEPTED, "1.6", [], [START, RESET], ""),
    ],
)
async def test_nothing_is_sent_that_a_station_may_not_be_sent(  # noqa: PLR0917 - a table
    system: StationSystem,
    status: station_pb2.RegistrationStatus.ValueType,
    version: str,
    refused: list[Command],
    sent: list[Command],
    reason: str,
) -> None:
    """1.6, 4.2; 2.0.1, B02 and B03. The outcome is found again by its request id."""
    await _connect(system, version)
    await _booted(system, status)
    for number, (name, request) in enumerate(refused):
        request.request_id = f"r{number}"
        await _send(system, name, request, reason)
        await _send(system, name, request, reason)
    assert not system.gateway.calls
    for name, request in sent:
        request.request_id = ""
        await _send(system, name, request, "")
    assert len(system.gateway.calls) == len(sent)


async def test_a_station_that_never_booted_or_was_accepted_since_is_sent_everything(system: StationSystem) -> None:
    """The answer to its last boot counts."""
    await _connect(system, "1.6")
    START[1].request_id = ""
    await _send(system, *START, "")
    await _booted(system, REJECTED)
    await _send(system, *START, "STATION_REJECTED")
    await _booted(system, ACCEPTED)
    await _send(system, *START, "")


async def test_what_is_not_sent_leaves_nothing_behind(system: StationSystem) -> None:
    """No reservation or update whose state would be unknown; and the credential stays the only one."""
    credential = await system.create("CP1")
    [opened] = await system.attempt(attempt("CP1", credential=credential.encode()))
    assert not opened.HasField("error")
    await _booted(system, REJECTED)
    expire_time = to_timestamp(system.clock() + DAY_US)
    firmware = firmware_pb2.Firmware(location="https://example.org/1")
    with fails_with("STATION_REJECTED"):
        await system.commands.ReserveNow(
            reservation_pb2.ReserveNowRequest(station_id="CP1", id_token=TOKEN, expire_time=expire_time)
        )
    with fails_with("STATION_REJECTED"):
        await system.commands.UpdateFirmware(firmware_pb2.UpdateFirmwareRequest(station_id="CP1", firmware=firmware))
    with fails_with("STATION_REJECTED"):
        await system.stations.RotateCredential(
            station_service_pb2.RotateCredentialRequest(station_id="CP1", hand_over=True)
        )
    assert (await system.count(tables.reservation), await system.count(tables.task)) == (0, 0)
    offered = await system.database.read(
        lambda connection: connection.scalar(sa.select(tables.station.c.next_credentials))
    )
    assert offered == ""


async def _connect(system: StationSystem, version: str) -> None:
    item = ingest_pb2.OpenConnectionItem(station_id="CP1", node_id=NODE, ocpp_version=version)
    response = await system.ingest.OpenConnections(ingest_pb2.OpenConnectionsRequest(items=[item]))
    assert not response.results[0].HasField("error")


async def _booted(system: StationSystem, status: station_pb2.RegistrationStatus.ValueType) -> None:
    """The operator decides, then the station boots and is answered so."""
    changed = station_pb2.Station(station_id="CP1", registration_status=status)
    await system.stations.UpdateStation(station_service_pb2.UpdateStationRequest(station=changed))
    epoch = (await system.station("CP1")).connection.epoch
    [result] = await system.boot(system.boot_item("CP1", epoch))
    assert result.registration_status == status


async def _send(system: StationSystem, name: str, request: Any, reason: str) -> None:
    field = {
        "RequestStartTransaction": "request_start_transaction",
        "RequestStopTransaction": "request_stop_transaction",
        "Reset": "reset",
        "TriggerMessage": "trigger_message",
        "SendCall": "send_call",
    }[name]
    answer = getattr(pb, f"{name}Response")()

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        return gateway_pb2.CallResponse(**{field: answer})

    system.gateway.behave = behave
    if not reason:
        await getattr(system.commands, name)(request)
        return
    with fails_with(reason) as caught:
        await getattr(system.commands, name)(request)
    assert caught[0].code is grpc.StatusCode.FAILED_PRECONDITION
    assert "nothing was sent" in caught[0].message
