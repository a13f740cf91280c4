"""Charging profiles and reservations over OCPP 1.6, from an operator to the socket and back, on both databases."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from csms.common.v1 import id_token_pb2, status_info_pb2
from csms.station.v1 import charging_profile_pb2 as profile_pb
from csms.station.v1 import charging_profile_service_pb2 as profile_service_pb
from csms.station.v1 import command_service_pb2, reservation_pb2, reservation_service_pb2
from csms.station.v1.charging_profile_service_pb2_grpc import ChargingProfileServiceStub
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceStub
from google.protobuf import json_format
from grpc_status import rpc_status

from mesh.runtime.errors import MeshError, from_status
from mesh.runtime.times import SECOND_US, now_us, to_timestamp
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually

TAG = id_token_pb2.IdToken(id_token="TAG-1")
START = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 0, "timestamp": "2026-11-21T10:00:00Z"}
SCHEDULE = {"chargingRateUnit": "AMPERES", "periods": [{"limit": 16.1}, {"startPeriodS": 600, "limit": 6}]}
TOLD_SCHEDULE = {
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}, {"startPeriod": 600, "limit": 6}],
}


def _profile(purpose: str, **more: Any) -> profile_pb.ChargingProfile:
    """A profile as an operator writes it in REST."""
    schedule = {**SCHEDULE, "chargingRateUnit": "CHARGING_RATE_UNIT_AMPERES"}
    fields = {
        "purpose": f"CHARGING_PROFILE_PURPOSE_{purpose}",
        "kind": "CHARGING_PROFILE_KIND_RELATIVE",
        "schedules": [schedule],
        **more,
    }
    return json_format.ParseDict(fields, profile_pb.ChargingProfile())


def _told(purpose: str, profile_id: int, **more: Any) -> dict[str, Any]:
    """The same as the station gets."""
    return {
        "chargingProfileId": profile_id,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": TOLD_SCHEDULE,
        **more,
    }


class Operator:
    """An operator of CP1, and its station's socket."""

    def __init__(self, mesh: MeshRig, station: RawStation) -> None:
        self._mesh = mesh
        self._station = station
        self._profiles: Any = ChargingProfileServiceStub(mesh.station_channel)
        self._reservations: Any = ReservationServiceStub(mesh.station_channel)

    async def command(self, request: Any, answer: dict[str, Any]) -> tuple[Any, Any]:
        """Returns the outcome of a command whose CALL the station answers so; and that CALL, as [action, payload]."""
        method = getattr(self._mesh.commands, type(request).__name__.removesuffix("Request"))
        return await self._answered(method(request, metadata=self._mesh.metadata, timeout=TIMEOUT_S), answer)

    async def reserve(self, answer: dict[str, Any], **more: Any) -> tuple[reservation_pb2.Reservation, Any]:
        """The reservation that was made, and the CALL."""
        request = reservation_service_pb2.CreateReservationRequest(station_id="CP1")
        request.reservation.id_token.CopyFrom(TAG)
        request.reservation.expire_time.CopyFrom(to_timestamp(now_us() + 3600 * SECOND_US))
        request.reservation.MergeFrom(reservation_pb2.Reservation(**more))
        call = self._reservations.CreateReservation(request, metadata=self._mesh.metadata, timeout=TIMEOUT_S)
        made, sent = await self._answered(call, answer)
        return made.reservation, sent

    async def cancel(self, reservation_id: int, answer: dict[str, Any]) -> tuple[Any, Any]:
        """Returns the outcome, and the CALL."""
        request = reservation_service_pb2.ReservationServiceCancelReservationRequest(
            station_id="CP1", reservation_id=reservation_id
        )
        call = self._reservations.CancelReservation(request, metadata=self._mesh.metadata, timeout=TIMEOUT_S)
        return await self._answered(call, answer)

    async def reservation(self, reservation_id: int) -> reservation_pb2.Reservation:
        """One reservation."""
        request = reservation_service_pb2.GetReservationRequest(station_id="CP1", reservation_id=reservation_id)
        response = await self._reservations.GetReservation(request, metadata=self._mesh.metadata, timeout=TIMEOUT_S)
        found: reservation_pb2.Reservation = response.reservation
        return found

    async def profiles(self) -> dict[int, str]:
        """The state of each profile, by its number."""
        request = profile_service_pb.ListChargingProfilesRequest(station_id="CP1")
        response = await self._profiles.ListChargingProfiles(request, metadata=self._mesh.metadata, timeout=TIMEOUT_S)
        name = profile_service_pb.ChargingProfileState.Name
        return {
            one.charging_profile.charging_profile_id: name(one.state).removeprefix("CHARGING_PROFILE_STATE_")
            for one in response.charging_profiles
        }

    async def has_profiles(self, states: dict[int, str]) -> bool:
        """Whether these are the profiles, and their states."""
        return await self.profiles() == states

    async def _answered(self, call: Awaitable[Any], answer: dict[str, Any]) -> tuple[Any, Any]:
        task = asyncio.ensure_future(call)
        sent = await self._station.answer(answer)
        return await task, sent


async def test_profiles_go_all_the_way(mesh_on_both: MeshRig) -> None:
    """TC_056, TC_057, TC_067: set, told to the digit, listed, asked for together, cleared, ended with a transaction."""
    async with RawStation(mesh_on_both.station_url("CP1")) as station:
        await station.boot()
        operator = Operator(mesh_on_both, station)
        request = profile_pb.SetChargingProfileRequest(
            station_id="CP1", evse_id=1, charging_profile=_profile("TX_DEFAULT_PROFILE")
        )
        answer, sent = await operator.command(request, {"status": "Accepted"})
        assert (answer.status, answer.charging_profile_id) == (profile_pb.CHARGING_PROFILE_STATUS_ACCEPTED, 1)
        told = _told("TxDefaultProfile", 1)
        assert sent == ["SetChargingProfile", {"connectorId": 1, "csChargingProfiles": told}]
        number = (await station.call("StartTransaction", START))["transactionId"]
        request.charging_profile.CopyFrom(_profile("TX_PROFILE", transactionId=str(number)))
        _answer, sent = await operator.command(request, {"status": "Accepted"})
        assert sent[1]["csChargingProfiles"] == _told("TxProfile", 2, transactionId=number)
        assert await operator.profiles() == {1: "ACTIVE", 2: "ACTIVE"}
        question = profile_pb.GetCompositeScheduleRequest(station_id="CP1", evse_id=1, duration_s=600)
        schedule = {"status": "Accepted", "connectorId": 1, "chargingSchedule": TOLD_SCHEDULE}
        answer, sent = await operator.command(question, schedule)
        assert sent == ["GetCompositeSchedule", {"connectorId": 1, "duration": 600}]
        assert answer.status == status_info_pb2.GENERIC_STATUS_ACCEPTED
        assert [period.limit for period in answer.schedule.periods] == [16.1, 6]
        await station.call(
            "StopTransaction", {"transactionId": number, "meterStop": 9, "timestamp": "2026-11-21T11:00:00Z"}
        )
        await eventually(lambda: operator.has_profiles({1: "ACTIVE", 2: "EXPIRED"}))
        clear = profile_pb.ClearChargingProfileRequest(station_id="CP1", charging_profile_id=1)
        _answer, sent = await operator.command(clear, {"status": "Accepted"})
        assert sent == ["ClearChargingProfile", {"id": 1}]
        assert await operator.profiles() == {1: "CLEARED", 2: "EXPIRED"}


async def test_a_start_with_a_profile(mesh_on_both: MeshRig) -> None:
    """TC_059: the profile goes with the start, and is gone once the connector is free again."""
    async with RawStation(mesh_on_both.station_url("CP1")) as station:
        await station.boot()
        operator = Operator(mesh_on_both, station)
        status = {"connectorId": 1, "errorCode": "NoError"}
        await station.call("StatusNotification", {**status, "status": "Preparing"})
        request = command_service_pb2.RequestStartTransactionRequest(
            station_id="CP1", evse_id=1, id_token=TAG, charging_profile=_profile("TX_PROFILE")
        )
        answer, sent = await operator.command(request, {"status": "Accepted"})
        assert answer.charging_profile_id == 1
        profile = _told("TxProfile", 1)
        assert sent == ["RemoteStartTransaction", {"connectorId": 1, "idTag": "TAG-1", "chargingProfile": profile}]
        number = (await station.call("StartTransaction", START))["transactionId"]
        await station.call(
            "StopTransaction", {"transactionId": number, "meterStop": 9, "timestamp": "2026-11-21T11:00:00Z"}
        )
        assert await operator.profiles() == {1: "ACTIVE"}  # which transaction it was for, nobody has said
        await station.call("StatusNotification", {**status, "status": "Available"})
        assert await operator.profiles() == {1: "EXPIRED"}


async def test_what_16_cannot_say_is_not_sent(mesh: MeshRig) -> None:
    """It is refused in plain words, no profile is left behind, and a station's answer beyond measure is reported."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        operator = Operator(mesh, station)
        for profile, reason, text in (
            (_profile("PRIORITY_CHARGING"), "INVALID_FIELD", "OCPP 1.6 has ChargePointMaxProfile"),
            (_profile("TX_PROFILE", stackLevel=-1), "INVALID_FIELD", "must not be below 0"),
        ):
            request = profile_pb.SetChargingProfileRequest(station_id="CP1", evse_id=1, charging_profile=profile)
            error = await _refused(mesh.commands.SetChargingProfile(request, metadata=mesh.metadata))
            assert (error.reason, text in error.message) == (reason, True), error.message
        assert await operator.profiles() == {}
        question = profile_pb.GetCompositeScheduleRequest(station_id="CP1", duration_s=600)
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 2**40, "limit": 1}]}
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await operator.command(question, {"status": "Accepted", "chargingSchedule": schedule})
        assert _error(caught.value).reason == "INVALID_ANSWER"
        assert "currentTime" in await station.call("Heartbeat", {})


async def _refused(call: Awaitable[Any]) -> MeshError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return _error(caught.value)


def _error(error: grpc.aio.AioRpcError) -> MeshError:
    status = rpc_status.from_call(error)
    assert status is not None
    return from_status(status)


async def test_a_reservation_is_used(mesh_on_both: MeshRig) -> None:
    """TC_046: the start names it, and the station uses it from then on; the transaction names it too."""
    async with RawStation(mesh_on_both.station_url("CP1")) as station:
        await station.boot()
        operator = Operator(mesh_on_both, station)
        group = id_token_pb2.IdToken(id_token="FLEET")
        made, sent = await operator.reserve({"status": "Accepted"}, evse_id=1, group_id_token=group)
        assert made.state == reservation_pb2.RESERVATION_STATE_ACTIVE
        expiry = made.expire_time.ToDatetime().isoformat(timespec="milliseconds") + "Z"
        assert sent == [
            "ReserveNow",
            {"connectorId": 1, "expiryDate": expiry, "idTag": "TAG-1", "parentIdTag": "FLEET", "reservationId": 1},
        ]
        await station.call("StartTransaction", {**START, "reservationId": made.reservation_id})
        used = await operator.reservation(made.reservation_id)
        assert used.state == reservation_pb2.RESERVATION_STATE_USED
        assert (used.use_evse_id, used.use_time.ToJsonString()) == (1, "2026-11-21T10:00:00Z")


@pytest.mark.parametrize("word", ["Faulted", "Occupied", "Rejected", "Unavailable"])
async def test_a_reservation_that_is_refused(mesh: MeshRig, word: str) -> None:
    """TC_048: in the station's word."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        made, _sent = await Operator(mesh, station).reserve({"status": word})
        assert made.state == reservation_pb2.RESERVATION_STATE_REJECTED
        status = reservation_pb2.ReserveNowStatus.Name(made.reserve_status)
        assert status == f"RESERVE_NOW_STATUS_{word.upper()}"


async def test_a_reservation_is_cancelled(mesh: MeshRig) -> None:
    """TC_051, TC_052: of the whole station; a second time the station does not know it any more."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        operator = Operator(mesh, station)
        made, sent = await operator.reserve({"status": "Accepted"})
        assert sent[1]["connectorId"] == 0
        for word, status in (("Accepted", 1), ("Rejected", 2)):
            answer, sent = await operator.cancel(made.reservation_id, {"status": word})
            assert sent == ["CancelReservation", {"reservationId": made.reservation_id}]
            assert answer.status == status
            assert answer.reservation.state == reservation_pb2.RESERVATION_STATE_CANCELLED
