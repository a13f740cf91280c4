"""Block E, transactions. Of each case the name is known; its steps are our reading of the use cases of part 2.

TxStartPoint and TxStopPoint are variables of the station: the central system sees only when Started and Ended come, by
which trigger, and what is known by then.
"""

from typing import Any

import pytest
from csms.station.v1 import command_service_pb2 as command
from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1 import transaction_service_pb2

from gateway.ocpp.enums import STOPPED_REASONS
from station_kit.messages import EventType
from station_kit.v201 import messages as v201
from tests.certification.played_station import GROUP, INVALID, now
from tests.certification.v201.station import EVSE, METER_START, METER_STOP, ChargingStation

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACTIVE = transaction_service_pb2.TRANSACTION_STATE_ACTIVE


def _register() -> Any:
    return v201.sampled_value(METER_START, EventType.STARTED)


def _token(station: ChargingStation) -> Any:
    return v201.id_token_of(station.tag)


async def _goes_on(station: ChargingStation, charging_state: int = tx.CHARGING_STATE_CHARGING) -> Any:
    """The transaction is shown as ongoing, at its EVSE, of its driver; returns it."""
    [found] = await station.transactions()
    assert found.state == ACTIVE
    assert (found.transaction_id, found.evse.evse_id) == (station.transaction_id, 1)
    assert (found.id_token.id_token, found.id_token.type) == (station.tag, "ISO14443")
    assert found.charging_state == charging_state
    assert list(found.flags) == []
    return found


async def _starts_unknown(station: ChargingStation, trigger_reason: str, charging_state: str) -> None:
    """The transaction starts before its driver is known, who is accepted then; the start is answered without a word."""
    info = {"chargingState": charging_state}
    assert await station.event(EventType.STARTED, trigger_reason, _register(), evse=EVSE, info=info) == {}
    assert await station.authorize() == "Accepted"
    answer = await station.update("Authorized", "EVConnected", idToken=_token(station))
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == GROUP


async def test_tc_e_01_csms(station: ChargingStation) -> None:
    """E01, PowerPathClosed: it starts once the cable is plugged in and the driver is authorized."""
    await station.status("Occupied")
    assert await station.authorize() == "Accepted"
    answer = await station.start("Authorized", info={"chargingState": "EVConnected"})
    assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == GROUP
    assert await station.update("ChargingStateChanged", "Charging") == {}
    await _goes_on(station)


async def test_tc_e_02_csms(station: ChargingStation) -> None:
    """E01, EnergyTransfer: it starts when energy flows."""
    await station.status("Occupied")
    assert await station.authorize() == "Accepted"
    await station.start("ChargingStateChanged", info={"chargingState": "Charging"})
    await _goes_on(station)


async def test_tc_e_03_csms(station: ChargingStation) -> None:
    """E02: the cable first, then the driver."""
    await station.status("Occupied")
    await _starts_unknown(station, "CablePluggedIn", "EVConnected")
    await station.update("ChargingStateChanged", "Charging")
    await _goes_on(station)


async def test_tc_e_04_csms(station: ChargingStation) -> None:
    """E03: the driver first, then the cable, which shows the EVSE."""
    assert await station.authorize() == "Accepted"
    answer = await station.event(EventType.STARTED, "Authorized", _register(), idToken=_token(station))
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await station.status("Occupied")
    await station.update("CablePluggedIn", "EVConnected", evse=EVSE)
    await station.update("ChargingStateChanged", "Charging")
    found = await _goes_on(station)
    assert found.evse.connector_id == 1


async def test_tc_e_07_csms(station: ChargingStation) -> None:
    """E06, PowerPathClosed: the driver stops; the transaction ends with the power path."""
    await station.charge()
    answer = await station.stop("StopAuthorized", "Local", idToken=_token(station))
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await station.status("Available")
    await station.is_ended()


async def test_tc_e_08_csms(station: ChargingStation) -> None:
    """E06, EnergyTransfer: the driver stops, then no energy flows any more, which ends it."""
    await station.charge()
    answer = await station.update("StopAuthorized", "Charging", idToken=_token(station))
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert await station.stop("ChargingStateChanged", "Local") == {}
    await station.is_ended()


async def test_tc_e_09_csms(station: ChargingStation) -> None:
    """E01, EVConnected: it starts with the vehicle; the driver becomes known later."""
    await station.status("Occupied")
    await _starts_unknown(station, "CablePluggedIn", "EVConnected")
    await _goes_on(station, tx.CHARGING_STATE_EV_CONNECTED)


async def test_tc_e_10_csms(station: ChargingStation) -> None:
    """E01, Authorized: it starts with the driver; the vehicle comes later."""
    assert await station.authorize() == "Accepted"
    await station.start("Authorized", info={"chargingState": "Idle"})
    await _goes_on(station, tx.CHARGING_STATE_IDLE)
    await station.status("Occupied")
    await station.update("CablePluggedIn", "EVConnected")
    await station.update("ChargingStateChanged", "Charging")
    await _goes_on(station)


async def test_tc_e_11_csms(station: ChargingStation) -> None:
    """E01, DataSigned: it starts when the meter has given its first signed value."""
    await station.status("Occupied")
    assert await station.authorize() == "Accepted"
    signed = {"signedMeterData": "T0NNRg==", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": ""}
    sample = _register() | {"signedMeterValue": signed}
    answer = await station.event(
        EventType.STARTED, "SignedDataReceived", sample, evse=EVSE, idToken=_token(station), info={}
    )
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await station.update("ChargingStateChanged", "Charging")
    await _goes_on(station)


async def test_tc_e_12_csms(station: ChargingStation) -> None:
    """E01, ParkingBayOccupied: it starts when a vehicle is seen in the bay; cable and driver come later."""
    await _starts_unknown(station, "EVDetected", "Idle")
    await station.status("Occupied")
    await station.update("CablePluggedIn", "EVConnected")
    await station.update("ChargingStateChanged", "Charging")
    await _goes_on(station)


async def test_tc_e_14_csms(station: ChargingStation) -> None:
    """E06, EVDisconnected: the driver stops, then unplugs at the station, which ends it."""
    await station.charge()
    await station.update("StopAuthorized", "EVConnected", idToken=_token(station))
    await _goes_on(station, tx.CHARGING_STATE_EV_CONNECTED)
    await station.status("Available")
    await station.stop("EVCommunicationLost", "Local")
    await station.is_ended()


async def test_tc_e_15_csms(station: ChargingStation) -> None:
    """E06, Authorized: the driver stops, which ends it at once."""
    await station.charge()
    assert await station.authorize() == "Accepted"
    answer = await station.stop("StopAuthorized", "Local", idToken=_token(station))
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await station.is_ended()


async def test_tc_e_16_csms(station: ChargingStation) -> None:
    """E06, Deauthorized: the card is refused in the answer to the start, and the station ends it."""
    await station.status("Occupied")
    answer = await station.event(
        EventType.STARTED, "Authorized", _register(), evse=EVSE, idToken=v201.id_token_of(INVALID)
    )
    assert answer["idTokenInfo"]["status"] == "Invalid"
    register = v201.sampled_value(METER_START, EventType.ENDED)
    info = {"stoppedReason": "DeAuthorized"}
    assert await station.event(EventType.ENDED, "Deauthorized", register, info=info) == {}
    [found] = await station.transactions()
    assert found.stopped_reason == tx.STOPPED_REASON_DE_AUTHORIZED
    assert (found.energy_wh, list(found.flags)) == (0, [])
    assert found.authorization_status != 0


async def test_tc_e_17_csms(station: ChargingStation) -> None:
    """E06, Authorized: the cable is pulled at the vehicle, which takes the authorization away and ends it."""
    await station.charge()
    await station.status("Available")
    await station.stop("EVCommunicationLost", "EVDisconnected")
    await station.is_ended("EVDisconnected")


async def test_tc_e_19_csms(station: ChargingStation) -> None:
    """E06, ParkingBayOccupied: it ends when the vehicle has left the bay."""
    await station.charge()
    await station.update("StopAuthorized", "EVConnected", idToken=_token(station))
    await station.status("Available")
    await station.update("EVCommunicationLost", "Idle")
    await station.stop("EVDeparted", "Local")
    await station.is_ended()


async def test_tc_e_20_csms(station: ChargingStation) -> None:
    """E06, EVDisconnected: the cable is pulled at the vehicle (IEC 61851-1), which ends it."""
    await station.charge()
    await station.update("ChargingStateChanged", "SuspendedEV")
    await station.stop("EVCommunicationLost", "EVDisconnected")
    await station.is_ended("EVDisconnected")


async def test_tc_e_21_csms(station: ChargingStation) -> None:
    """E06, Authorized: an operator stops it."""
    await station.charge()
    action, payload, told = await station.told(
        "RequestStopTransaction", {"status": "Accepted"}, transaction_id=station.transaction_id
    )
    assert (action, payload) == ("RequestStopTransaction", {"transactionId": station.transaction_id})
    assert told.status == command.REQUEST_START_STOP_STATUS_ACCEPTED
    await station.stop("RemoteStop", "Remote")
    await station.is_ended("Remote")


async def test_tc_e_22_csms(station: ChargingStation) -> None:
    """E06, EnergyTransfer: the vehicle takes no more, which ends it."""
    await station.charge()
    register = v201.sampled_value(METER_STOP, EventType.ENDED)
    info = {"stoppedReason": "StoppedByEV", "chargingState": "SuspendedEV"}
    assert await station.event(EventType.ENDED, "ChargingStateChanged", register, info=info) == {}
    await station.is_ended("StoppedByEV")


async def test_tc_e_26_csms(station: ChargingStation) -> None:
    """E10: the cable is pulled at the vehicle; the transaction is suspended, and goes on with the cable."""
    await station.charge()
    await station.update("EVCommunicationLost", "SuspendedEV")
    await _goes_on(station, tx.CHARGING_STATE_SUSPENDED_EV)
    await station.update("CablePluggedIn", "EVConnected")
    await station.update("ChargingStateChanged", "Charging")
    await _goes_on(station)


async def _asked_of_status(station: ChargingStation, answer: Any, **fields: Any) -> Any:
    """E14: an operator asks; what is sent names the transaction or nothing. Returns what the operator is answered."""
    action, payload, told = await station.told("GetTransactionStatus", answer, **fields)
    assert action == "GetTransactionStatus"
    assert payload == ({"transactionId": fields["transaction_id"]} if fields else {})
    return told


async def test_tc_e_29_csms(station: ChargingStation) -> None:
    """E14: the transaction goes on, and messages of it wait."""
    await station.charge()
    answer = {"ongoingIndicator": True, "messagesInQueue": True}
    told = await _asked_of_status(station, answer, transaction_id=station.transaction_id)
    assert (told.ongoing_indicator, told.messages_in_queue) == (True, True)


async def test_tc_e_30_csms(station: ChargingStation) -> None:
    """E14: the transaction goes on, and no message waits."""
    await station.charge()
    answer = {"ongoingIndicator": True, "messagesInQueue": False}
    told = await _asked_of_status(station, answer, transaction_id=station.transaction_id)
    assert (told.ongoing_indicator, told.messages_in_queue) == (True, False)


async def test_tc_e_31_csms(station: ChargingStation) -> None:
    """E14: the transaction has ended, its end waits; it comes, marked as offline."""
    await station.charge()
    answer = {"ongoingIndicator": False, "messagesInQueue": True}
    told = await _asked_of_status(station, answer, transaction_id=station.transaction_id)
    assert told.HasField("ongoing_indicator")
    assert (told.ongoing_indicator, told.messages_in_queue) == (False, True)
    await station.stop("StopAuthorized", "Local", offline=True)
    await station.is_ended()


async def test_tc_e_33_csms(station: ChargingStation) -> None:
    """E14: whether any message waits, and one does; nothing is said of whether a transaction goes on (E14.FR.06)."""
    told = await _asked_of_status(station, {"messagesInQueue": True})
    assert told.messages_in_queue
    assert not told.HasField("ongoing_indicator")


async def test_tc_e_34_csms(station: ChargingStation) -> None:
    """E14: whether any message waits, and none does."""
    told = await _asked_of_status(station, {"messagesInQueue": False})
    assert not told.messages_in_queue
    assert not told.HasField("ongoing_indicator")


async def test_tc_e_38_csms(station: ChargingStation) -> None:
    """E03: driver and cable are there, but the vehicle takes nothing yet."""
    assert await station.authorize() == "Accepted"
    await station.start("Authorized")
    await station.status("Occupied")
    await station.update("CablePluggedIn", "EVConnected")
    await station.update("ChargingStateChanged", "SuspendedEV")
    await _goes_on(station, tx.CHARGING_STATE_SUSPENDED_EV)


async def test_tc_e_39_csms(station: ChargingStation) -> None:
    """E03, E06: the driver comes, but no cable in time: the authorization is over, and the transaction with it."""
    assert await station.authorize() == "Accepted"
    await station.start("Authorized", info={"chargingState": "Idle"})
    register = v201.sampled_value(METER_START, EventType.ENDED)
    info = {"stoppedReason": "Timeout"}
    assert await station.event(EventType.ENDED, "EVConnectTimeout", register, info=info) == {}
    [found] = await station.transactions()
    assert found.stopped_reason == STOPPED_REASONS["Timeout"]
    assert (found.energy_wh, list(found.flags)) == (0, [])


async def test_tc_e_53_csms(station: ChargingStation) -> None:
    """E01: each transaction counts its messages from 0."""
    for number in (1, 2):
        name = f"{station.station_id}-{number}"
        for seq_no, kind in enumerate((EventType.STARTED, EventType.ENDED)):
            meter = METER_STOP if seq_no else METER_START
            event = v201.transaction_event(
                kind,
                v201.sampled_value(meter, kind),
                transaction_id=name,
                timestamp=now(),
                seq_no=seq_no,
                trigger_reason="StopAuthorized" if seq_no else "Authorized",
                evse=EVSE,
                idToken=_token(station),
            )
            assert (await station.send(event))["idTokenInfo"]["status"] == "Accepted"
    found = await station.transactions()
    assert [(one.transaction_id[-1], one.energy_wh, list(one.flags)) for one in found] == [
        ("2", METER_STOP - METER_START, []),
        ("1", METER_STOP - METER_START, []),
    ]
