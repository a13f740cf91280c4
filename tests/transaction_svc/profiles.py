"""Meter profiles as operators set, list and remove them, and the energy of transactions under them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from csms.transaction.v1 import meter_profile_service_pb2 as contract
from csms.transaction.v1.meter_profile_service_pb2 import (
    MeterProfile,
)
from csms.transaction.v1.transaction_service_pb2 import (
    ReassessTransactionRequest,
    Transaction,
)

from mesh.identity.callers import Caller, Role, set_caller
from tests.transaction_svc.kit import (
    CONTEXT,
    Service,
    start_16,
    stop_16,
    values_16,
)

ADMIN = Caller(username="ada", tenant_id="default", role=Role.ADMINISTRATOR, session_id="a", expires_s=2**31)
KWH_AS_WH: dict[str, Any] = {"begin_end_exponent": 3, "sampled_exponent": 3}


async def set_profile(service: Service, *, tenant: str = "default", **fields: Any) -> MeterProfile:
    """Sets a profile as an administrator."""
    set_caller(replace(ADMIN, tenant_id=tenant))
    request = contract.SetMeterProfileRequest(meter_profile=MeterProfile(**fields))
    return (await service.profiles.SetMeterProfile(request, CONTEXT)).meter_profile


async def delete_profile(service: Service, profile_id: str) -> None:
    """Removes a profile."""
    set_caller(ADMIN)
    request = contract.DeleteMeterProfileRequest(meter_profile_id=profile_id)
    await service.profiles.DeleteMeterProfile(request, CONTEXT)


async def list_profiles(service: Service, **more: Any) -> contract.ListMeterProfilesResponse:
    """Reads a page."""
    set_caller(ADMIN)
    return await service.profiles.ListMeterProfiles(contract.ListMeterProfilesRequest(**more), CONTEXT)


async def reassess(service: Service, transaction_id: str, *, station: str = "CP1") -> Transaction:
    """Reassesses a transaction."""
    set_caller(ADMIN)
    request = ReassessTransactionRequest(station_id=station, transaction_id=transaction_id)
    return (await service.operator.ReassessTransaction(request, CONTEXT)).transaction


async def play_16(service: Service, begin: int, between: Sequence[int], end: int, *, from_s: float = 0) -> str:
    """Sends a session of 1.6 with a reading every five minutes."""
    number = (await service.one(start_16(from_s, meter_start=begin))).transaction_id
    for index, value in enumerate(between, start=1):
        await service.one(values_16(number, from_s + 300 * index, value))
    await service.one(stop_16(number, from_s + 300 * (len(between) + 1), end))
    return number


def energy(found: Transaction) -> tuple[float, list[str]]:
    """Energy and flags."""
    return found.energy_wh, list(found.flags)
