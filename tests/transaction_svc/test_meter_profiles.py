"""Meter profiles: the methods for operators, and which profile applies."""

from typing import Any

import grpc
import pytest
from csms.common.v1 import meter_value_pb2 as meter
from csms.transaction.v1 import meter_profile_service_pb2 as contract
from csms.transaction.v1.meter_profile_service_pb2 import (
    EVSE_KIND_AC,
    REGISTER_SOURCE_SAMPLED,
    ZERO_BEGIN_READING,
)

from mesh.runtime.errors import MeshError
from tests.transaction_svc.kit import (
    CONTEXT,
    Service,
)
from tests.transaction_svc.profiles import KWH_AS_WH, list_profiles, play_16, set_profile
from transaction_svc import meter_profile_servicer
from transaction_svc.meter_profile_store import Identity
from transaction_svc.meter_profiles import most_specific

# How they are kept


async def test_a_profile_is_kept_and_replaced(service: Service) -> None:
    """Profiles are replaced by their stations, without regard to case; each tenant has its own."""
    first = await set_profile(service, vendor_name="Vendor", model="M", max_power_w=22000, **KWH_AS_WH)
    assert first.meter_profile_id
    assert (first.updated_by, first.update_time.ToMicroseconds()) == ("ada", service.clock())
    second = await set_profile(
        service,
        vendor_name="VENDOR",
        model="m",
        evse_kind=EVSE_KIND_AC,
        begin_end_exponent=0,
        register_source=REGISTER_SOURCE_SAMPLED,
        register_location=meter.MEASURAND_LOCATION_INLET,
        zero_begin=ZERO_BEGIN_READING,
    )
    assert second.meter_profile_id == first.meter_profile_id
    await set_profile(service, tenant="other", vendor_name="Vendor", model="M")
    assert list((await list_profiles(service)).meter_profiles) == [second]
    request = contract.GetMeterProfileRequest(meter_profile_id=first.meter_profile_id)
    found = (await service.profiles.GetMeterProfile(request, CONTEXT)).meter_profile
    assert found == second
    assert found.HasField("begin_end_exponent")
    assert not found.HasField("sampled_exponent")


async def test_profiles_are_listed_in_pages_and_filtered(service: Service) -> None:
    """Sorted by vendor, model, firmware version and station."""
    for vendor, model, firmware, station in (
        ("b", "", "", ""),
        ("A", "x", "1", ""),
        ("A", "x", "", "CP1"),
        ("", "", "", "CP2"),
        ("A", "x", "", ""),
    ):
        await set_profile(service, vendor_name=vendor, model=model, firmware_version=firmware, station_id=station)
    first = await list_profiles(service, page_size=3)
    rest = await list_profiles(service, page_size=3, page_token=first.next_page_token)
    assert not rest.next_page_token
    listed = [
        (profile.vendor_name, profile.model, profile.firmware_version, profile.station_id)
        for profile in [*first.meter_profiles, *rest.meter_profiles]
    ]
    assert listed == [
        ("", "", "", "CP2"),
        ("A", "x", "", ""),
        ("A", "x", "", "CP1"),
        ("A", "x", "1", ""),
        ("b", "", "", ""),
    ]
    found = await list_profiles(service, filter='vendor_name = "a" AND firmware_version = "1"')
    assert [profile.firmware_version for profile in found.meter_profiles] == ["1"]


async def test_a_profile_is_removed(service: Service) -> None:
    """A second removal fails with its reason."""
    profile = await set_profile(service, station_id="CP1", **KWH_AS_WH)
    request = contract.DeleteMeterProfileRequest(meter_profile_id=profile.meter_profile_id)
    await service.profiles.DeleteMeterProfile(request, CONTEXT)
    for call in (
        service.profiles.DeleteMeterProfile(request, CONTEXT),
        service.profiles.GetMeterProfile(
            contract.GetMeterProfileRequest(meter_profile_id=profile.meter_profile_id), CONTEXT
        ),
        service.profiles.GetMeterProfile(contract.GetMeterProfileRequest(meter_profile_id="a\0"), CONTEXT),
    ):
        with pytest.raises(MeshError) as caught:
            await call
        assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.NOT_FOUND, "METER_PROFILE_NOT_FOUND")
    number = await play_16(service, 936, [937], 938)
    assert not (await service.get(number)).meter_profile_id


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("max_power_w", {"max_power_w": 999}),
        ("max_power_w", {"max_power_w": -1}),
        ("max_power_w", {"max_power_w": 4_000_001}),
        ("begin_end_exponent", {"begin_end_exponent": 7}),
        ("sampled_exponent", {"sampled_exponent": -7}),
        ("evse_kind", {"evse_kind": 3}),
        ("register_source", {"register_source": 3}),
        ("register_location", {"register_location": 9}),
        ("zero_begin", {"zero_begin": 3}),
        ("vendor_name", {"vendor_name": "v" * 256}),
        ("model", {"model": "m\0"}),
        ("firmware_version", {"firmware_version": " 1"}),
        ("station_id", {"station_id": "CP\n1"}),
    ],
)
async def test_a_wrong_field_is_refused(service: Service, field: str, fields: dict[str, Any]) -> None:
    """The error names the field, and no profile is stored."""
    with pytest.raises(MeshError) as caught:
        await set_profile(service, **fields)
    assert (caught.value.reason, caught.value.metadata) == ("INVALID_FIELD", {"field": f"meter_profile.{field}"})
    assert not (await list_profiles(service)).meter_profiles


async def test_their_number_is_bounded(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An existing one can still be replaced."""
    monkeypatch.setattr(meter_profile_servicer, "MOST_PROFILES", 1)
    await set_profile(service, station_id="CP1")
    await set_profile(service, station_id="CP1", max_power_w=4_000_000)
    with pytest.raises(MeshError) as caught:
        await set_profile(service, station_id="CP2")
    assert caught.value.reason == "METER_PROFILE_LIMIT_REACHED"


# Which one applies


def test_the_most_specific_one_applies() -> None:
    """The station decides before firmware version, model and vendor."""
    identity = Identity("CP1", "v", "m", "1")
    ranked = [
        Identity("CP1", "", "", ""),
        Identity("", "", "", "1"),
        Identity("", "v", "m", ""),
        Identity("", "", "m", ""),
        Identity("", "v", "", ""),
        Identity("", "", "", ""),
    ]
    known: dict[Identity, Any] = {wanted: wanted for wanted in [*ranked, Identity("CP2", "v", "m", "1")]}
    for wanted in ranked:
        found: Any = most_specific(known, identity)
        assert found == wanted
        del known[wanted]
    assert most_specific(known, identity) is None
