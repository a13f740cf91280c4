"""Meter profiles from the socket to what an operator reads: meters of one model that are all wrong in the same way."""

from typing import TYPE_CHECKING

import pytest
from csms.transaction.v1.meter_profile_service_pb2 import (
    EVSE_KIND_AC,
    DeleteMeterProfileRequest,
    MeterProfile,
    SetMeterProfileRequest,
)
from csms.transaction.v1.meter_profile_service_pb2_grpc import MeterProfileServiceStub
from csms.transaction.v1.transaction_service_pb2 import (
    GetTransactionRequest,
    ReassessTransactionRequest,
    Transaction,
)

from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.gateway.test_whole_energy import REGISTER, time_at
from tests.waiting import eventually

if TYPE_CHECKING:  # a name that only the generated types have
    from csms.transaction.v1.meter_profile_service_pb2_grpc import MeterProfileServiceAsyncStub

BOOT = {"chargePointVendor": "Kilo", "chargePointModel": "K-1", "firmwareVersion": "2.7"}


@pytest.fixture
def profiles(mesh_on_both: MeshRig) -> "MeterProfileServiceAsyncStub":
    """MeterProfileService."""
    return MeterProfileServiceStub(mesh_on_both.transaction_channel)


async def _play(station: RawStation, begin: int, between: int, end: int, *, from_s: float) -> str:
    start = {"connectorId": 1, "idTag": "TAG-1", "meterStart": begin, "timestamp": time_at(from_s)}
    number = (await station.call("StartTransaction", start))["transactionId"]
    entry = {
        "timestamp": time_at(from_s + 300),
        "sampledValue": [{"measurand": REGISTER, "unit": "Wh", "value": str(between)}],
    }
    await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [entry]})
    stop = {"transactionId": number, "meterStop": end, "timestamp": time_at(from_s + 900), "idTag": "TAG-1"}
    await station.call("StopTransaction", stop)
    return str(number)


async def _get(mesh: MeshRig, station_id: str, transaction_id: str) -> Transaction:
    request = GetTransactionRequest(station_id=station_id, transaction_id=transaction_id)
    response = await mesh.transactions.GetTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    transaction: Transaction = response.transaction
    return transaction


async def _set(profiles: "MeterProfileServiceAsyncStub", mesh: MeshRig, profile: MeterProfile) -> MeterProfile:
    request = SetMeterProfileRequest(meter_profile=profile)
    response = await profiles.SetMeterProfile(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    kept: MeterProfile = response.meter_profile
    return kept


async def _reassess(mesh: MeshRig, station_id: str, transaction_id: str) -> Transaction:
    request = ReassessTransactionRequest(station_id=station_id, transaction_id=transaction_id)
    response = await mesh.transactions.ReassessTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    transaction: Transaction = response.transaction
    return transaction


async def test_a_model_that_counts_in_kilowatt_hours(
    mesh_on_both: MeshRig, profiles: "MeterProfileServiceAsyncStub"
) -> None:
    """Once its scale is pinned, sessions are right and without a flag: new ones, and those assessed anew."""
    mesh = mesh_on_both
    async with RawStation(mesh.station_url("CP1")) as station, RawStation(mesh.station_url("CP2")) as other:
        await station.call("BootNotification", BOOT)
        await other.call("BootNotification", BOOT | {"chargePointModel": "K-2"})
        first = await _play(station, 936, 937, 938, from_s=-5000)
        assert (await _get(mesh, "CP1", first)).energy_wh == 2
        profile = await _set(
            profiles,
            mesh,
            MeterProfile(
                vendor_name="KILO",
                model="k-1",
                firmware_version="2.7",
                evse_kind=EVSE_KIND_AC,
                begin_end_exponent=3,
                sampled_exponent=3,
            ),
        )
        assert profile.updated_by == "admin"

        async def is_assessed_with_it() -> bool:
            return (await _reassess(mesh, "CP1", first)).meter_profile_id == profile.meter_profile_id

        await eventually(is_assessed_with_it)  # once the boot has come to transaction_svc
        second = await _play(station, 938, 939, 940, from_s=-4000)
        third = await _play(other, 936, 937, 938, from_s=-4000)
        for station_id, number, wh in (("CP1", first, 2000), ("CP1", second, 2000), ("CP2", third, 2)):
            found = await _get(mesh, station_id, number)
            assert (found.energy_wh, list(found.flags)) == (wh, [])
        deleting = DeleteMeterProfileRequest(meter_profile_id=profile.meter_profile_id)
        await profiles.DeleteMeterProfile(deleting, metadata=mesh.metadata, timeout=TIMEOUT_S)
        fourth = await _play(station, 940, 941, 942, from_s=-3000)
        assert (await _get(mesh, "CP1", fourth)).energy_wh == 2


async def test_a_profile_of_a_station(mesh_on_both: MeshRig, profiles: "MeterProfileServiceAsyncStub") -> None:
    """From the first transaction on, whatever the station says that it is; AC power bounds its energy."""
    mesh = mesh_on_both
    await _set(profiles, mesh, MeterProfile(station_id="CP1", evse_kind=EVSE_KIND_AC, begin_end_exponent=3))
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.call("BootNotification", BOOT)
        right = await _play(station, 936, 936_500, 938, from_s=-5000)
        beyond = await _play(station, 938, 938_500, 988, from_s=-4000)
    found = await _get(mesh, "CP1", right)
    assert (found.energy_wh, list(found.flags)) == (2000, [])
    found = await _get(mesh, "CP1", beyond)
    assert (found.energy_wh, list(found.flags)) == (500, ["end_implausible"])
