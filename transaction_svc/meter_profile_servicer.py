"""MeterProfileService: operators pin their knowledge of the meters of a fleet."""

from collections.abc import Mapping
from functools import partial

import grpc
from csms.common.v1.meter_value_pb2 import MeasurandLocation
from csms.transaction.v1 import meter_profile_service_pb2_grpc
from csms.transaction.v1.meter_profile_service_pb2 import (
    DeleteMeterProfileRequest,
    DeleteMeterProfileResponse,
    EvseKind,
    GetMeterProfileRequest,
    GetMeterProfileResponse,
    ListMeterProfilesRequest,
    ListMeterProfilesResponse,
    MeterProfile,
    RegisterSource,
    SetMeterProfileRequest,
    SetMeterProfileResponse,
    ZeroBegin,
)

from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import Clock, to_timestamp
from transaction_svc import meter_profile_store as store
from transaction_svc.meter_profile_store import Identity
from transaction_svc.meter_profiles import LEAST_POWER_W, MOST_POWER_W, MeterTerms, normalize_name, profile_id
from transaction_svc.readings import LOCATIONS

MOST_PROFILES = 5_000
MOST_CHARACTERS = 255
MOST_EXPONENT = 6


class MeterProfileServicer(meter_profile_service_pb2_grpc.MeterProfileServiceServicer):
    """Keeps the profiles of the caller's own tenant; `meters` is notified of each change."""

    def __init__(self, *, database: Database, clock: Clock, meters: MeterTerms) -> None:
        self._database = database
        self._clock = clock
        self._meters = meters

    async def SetMeterProfile(self, request: SetMeterProfileRequest, context: Context) -> SetMeterProfileResponse:
        """Creates one, or replaces the one for the same stations."""
        caller = current_caller()
        profile = _read(request.meter_profile, caller.tenant_id, now_us=self._clock(), username=caller.username)
        if not await self._database.write(partial(store.set_profile, profile=profile, limit=MOST_PROFILES)):
            raise MeshError(
                grpc.StatusCode.FAILED_PRECONDITION,
                Reason.METER_PROFILE_LIMIT_REACHED,
                f"there are {MOST_PROFILES} meter profiles already, which is the most there may be: "
                "delete some, or give one for a vendor or model in the place of many for stations",
            )
        self._meters.forget(caller.tenant_id)
        return SetMeterProfileResponse(meter_profile=_to_message(profile))

    async def GetMeterProfile(self, request: GetMeterProfileRequest, context: Context) -> GetMeterProfileResponse:
        """Reads one."""
        name = request.meter_profile_id
        getting = partial(store.get_profile, tenant_id=current_caller().tenant_id, profile_id=name)
        profile = await self._database.read(getting) if is_storable(name) else None
        if profile is None:
            raise _not_found(name)
        return GetMeterProfileResponse(meter_profile=_to_message(profile))

    async def ListMeterProfiles(self, request: ListMeterProfilesRequest, context: Context) -> ListMeterProfilesResponse:
        """Lists them by vendor, model, firmware version and station."""
        condition = to_condition(request.filter, store.FILTERS)
        page = page_of(request, (str, str, str, str), binding=request.filter, condition=condition)
        listing = partial(
            store.list_profiles,
            tenant_id=current_caller().tenant_id,
            condition=page.condition,
            after=page.after,
            most=page.limit,
        )
        rows = await self._database.read(listing)
        rows, token = page.cut(rows, lambda row: row.sort_key)
        return ListMeterProfilesResponse(meter_profiles=[_to_message(row) for row in rows], next_page_token=token)

    async def DeleteMeterProfile(
        self, request: DeleteMeterProfileRequest, context: Context
    ) -> DeleteMeterProfileResponse:
        """Removes one."""
        tenant_id, name = current_caller().tenant_id, request.meter_profile_id
        deleting = partial(store.delete_profile, tenant_id=tenant_id, profile_id=name)
        if not is_storable(name) or not await self._database.write(deleting):
            raise _not_found(name)
        self._meters.forget(tenant_id)
        return DeleteMeterProfileResponse()


def _not_found(name: str) -> MeshError:
    return MeshError(grpc.StatusCode.NOT_FOUND, Reason.METER_PROFILE_NOT_FOUND, f"no meter profile has the id {name!r}")


def _read(given: MeterProfile, tenant_id: str, *, now_us: int, username: str) -> store.MeterProfile:
    """Reads a profile. Raises MeshError INVALID_FIELD."""
    for field in ("station_id", "vendor_name", "model", "firmware_version"):
        _check_text(given, field)
    for field, words in _WORDS.items():
        if getattr(given, field) not in words.values():
            raise invalid_field(f"meter_profile.{field}", f"must be one of {', '.join(words)}")
    for field in ("begin_end_exponent", "sampled_exponent"):
        _check_exponent(given, field)
    if given.max_power_w and not LEAST_POWER_W <= given.max_power_w <= MOST_POWER_W:
        raise invalid_field("meter_profile.max_power_w", f"must be 0, or from {LEAST_POWER_W} to {MOST_POWER_W}")
    identity = Identity(
        station_id=given.station_id,
        vendor=normalize_name(given.vendor_name),
        model=normalize_name(given.model),
        firmware=normalize_name(given.firmware_version),
    )
    return store.MeterProfile(
        tenant_id=tenant_id,
        profile_id=profile_id(identity),
        station_id=given.station_id,
        vendor_name=given.vendor_name,
        model=given.model,
        firmware_version=given.firmware_version,
        vendor_key=identity.vendor,
        model_key=identity.model,
        firmware_key=identity.firmware,
        evse_kind=given.evse_kind,
        max_power_w=given.max_power_w,
        begin_end_exponent=given.begin_end_exponent if given.HasField("begin_end_exponent") else None,
        sampled_exponent=given.sampled_exponent if given.HasField("sampled_exponent") else None,
        register_source=given.register_source,
        register_location=LOCATIONS[given.register_location] if given.register_location else None,
        zero_begin=given.zero_begin,
        update_us=now_us,
        updated_by=username,
    )


def _check_text(given: MeterProfile, field: str) -> None:
    text = getattr(given, field)
    if len(text) > MOST_CHARACTERS or not text.isprintable() or text != text.strip():
        raise invalid_field(
            f"meter_profile.{field}",
            f"at most {MOST_CHARACTERS} printable characters are needed, without blanks around them",
        )


def _check_exponent(given: MeterProfile, field: str) -> None:
    if abs(getattr(given, field)) > MOST_EXPONENT:
        raise invalid_field(f"meter_profile.{field}", f"must be from -{MOST_EXPONENT} to {MOST_EXPONENT}")


_WORDS: Mapping[str, Mapping[str, int]] = {
    "evse_kind": dict(EvseKind.items()),
    "register_source": dict(RegisterSource.items()),
    "register_location": dict(MeasurandLocation.items()),
    "zero_begin": dict(ZeroBegin.items()),
}
_LOCATION_OF = {number: word for word, number in LOCATIONS.items() if word}


def _to_message(profile: store.MeterProfile) -> MeterProfile:
    """The message of a row."""
    location = 0 if profile.register_location is None else _LOCATION_OF[profile.register_location]
    return MeterProfile(
        meter_profile_id=profile.profile_id,
        station_id=profile.station_id,
        vendor_name=profile.vendor_name,
        model=profile.model,
        firmware_version=profile.firmware_version,
        evse_kind=EvseKind.ValueType(profile.evse_kind),
        max_power_w=profile.max_power_w,
        begin_end_exponent=profile.begin_end_exponent,
        sampled_exponent=profile.sampled_exponent,
        register_source=RegisterSource.ValueType(profile.register_source),
        register_location=MeasurandLocation.ValueType(location),
        zero_begin=ZeroBegin.ValueType(profile.zero_begin),
        update_time=to_timestamp(profile.update_us),
        updated_by=profile.updated_by,
    )
