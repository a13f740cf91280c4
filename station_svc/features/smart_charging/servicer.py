"""ChargingProfileService: the charging profiles of stations as operators read them, between protobuf and rows."""

from functools import partial

from csms.station.v1 import charging_limit_pb2, charging_profile_pb2, charging_profile_service_pb2, ev_charging_pb2
from csms.station.v1.charging_profile_service_pb2_grpc import ChargingProfileServiceServicer

from mesh.database.engine import Database
from mesh.database.filters import choice, to_condition
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller, current_scope
from mesh.runtime.times import Clock, to_timestamp
from station_svc.core.list_store import condition_of
from station_svc.core.lists import one_or_all, page_of, storable
from station_svc.features.smart_charging import ev_store, limit_store, store
from station_svc.features.smart_charging.ev_rows import EvRow
from station_svc.features.smart_charging.rows import CSO, LimitRow, ProfileRow

_STATE = choice(dict(charging_profile_service_pb2.ChargingProfileState.items()), "CHARGING_PROFILE_STATE_")
_PURPOSE = choice(dict(charging_profile_pb2.ChargingProfilePurpose.items()), "CHARGING_PROFILE_PURPOSE_")

_SOURCE = choice(dict(charging_profile_pb2.ChargingLimitSource.items()), "CHARGING_LIMIT_SOURCE_")
_EV_STATE = choice(dict(ev_charging_pb2.EvChargingState.items()), "EV_CHARGING_STATE_")
_LIMIT_STATE = choice(dict(charging_limit_pb2.ChargingLimitState.items()), "CHARGING_LIMIT_STATE_")


class ChargingProfileServicer(ChargingProfileServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def ListChargingProfiles(
        self, request: charging_profile_service_pb2.ListChargingProfilesRequest, context: Context
    ) -> charging_profile_service_pb2.ListChargingProfilesResponse:
        """Lists the profiles that a station, or any station, was sent, newest first."""
        del context
        now_us, tenant_id = self._clock(), current_caller().tenant_id
        condition = condition_of(
            request.filter,
            store.filters(now_us, _STATE, _PURPOSE, _SOURCE),
            tenant_id=tenant_id,
            station_id=store.STATION_ID,
            scope=current_scope(),
        )
        page = page_of(request, (int, str, int), condition=condition)
        station_id = one_or_all(request.station_id)
        read = partial(store.list_profiles, tenant_id=tenant_id, station_id=station_id, page=page)
        rows, token = page.cut(await self._database.read(read), lambda row: row.key)
        return charging_profile_service_pb2.ListChargingProfilesResponse(
            charging_profiles=[_to_profile(row.after(now_us)) for row in rows], next_page_token=token
        )

    async def ListChargingLimits(
        self, request: charging_profile_service_pb2.ListChargingLimitsRequest, context: Context
    ) -> charging_profile_service_pb2.ListChargingLimitsResponse:
        """Lists the limits from elsewhere, by EVSE and source."""
        del context
        condition = to_condition(request.filter, limit_store.filters(_LIMIT_STATE, _SOURCE))
        page = page_of(request, (int, int), condition=condition)
        read = partial(
            limit_store.list_limits,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            page=page,
        )
        rows, token = page.cut(await self._database.read(read), lambda row: (row.evse_id, row.limit_source))
        return charging_profile_service_pb2.ListChargingLimitsResponse(
            charging_limits=map(_to_limit, rows), next_page_token=token
        )

    async def ListEvCharging(
        self, request: charging_profile_service_pb2.ListEvChargingRequest, context: Context
    ) -> charging_profile_service_pb2.ListEvChargingResponse:
        """Lists the vehicles that negotiate with a station, by EVSE."""
        del context
        page = page_of(request, (int,), condition=to_condition(request.filter, ev_store.filters(_EV_STATE)))
        read = partial(
            ev_store.list_vehicles,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            page=page,
        )
        rows, token = page.cut(await self._database.read(read), lambda row: (row.evse_id,))
        return charging_profile_service_pb2.ListEvChargingResponse(ev_charging=map(_to_ev, rows), next_page_token=token)


def _to_ev(row: EvRow) -> ev_charging_pb2.EvCharging:
    schedule = None if row.schedule is None else charging_profile_pb2.ChargingSchedule.FromString(row.schedule)
    return ev_charging_pb2.EvCharging(
        station_id=row.station_id,
        evse_id=row.evse_id,
        transaction_id=row.transaction_id,
        needs=ev_charging_pb2.EvChargingNeeds.FromString(row.needs),
        state=ev_charging_pb2.EvChargingState.ValueType(row.state),
        charging_profile_id=row.profile_id,
        ev_schedule=schedule,
        ev_schedule_time=None if row.schedule_us is None else to_timestamp(row.schedule_us),
        exceeds_limits=row.exceeds,
        renegotiation_count=row.renegotiations,
        receive_time=to_timestamp(row.receive_us),
        update_time=to_timestamp(row.update_us),
    )


def _to_limit(row: LimitRow) -> charging_limit_pb2.ChargingLimit:
    limit = charging_limit_pb2.ChargingLimit.FromString(row.limit_pb)
    limit.station_id = row.station_id
    limit.state = charging_limit_pb2.ChargingLimitState.ValueType(row.state)
    limit.receive_time.CopyFrom(to_timestamp(row.receive_us))
    if row.clear_us is not None:
        limit.clear_time.CopyFrom(to_timestamp(row.clear_us))
    return limit


def _to_profile(row: ProfileRow) -> charging_profile_service_pb2.StationChargingProfile:
    return charging_profile_service_pb2.StationChargingProfile(
        station_id=row.station_id,
        evse_id=row.evse_id,
        charging_profile=charging_profile_pb2.ChargingProfile.FromString(row.profile),
        state=charging_profile_service_pb2.ChargingProfileState.ValueType(row.state),
        reason_code=row.reason_code,
        create_time=to_timestamp(row.create_us),
        update_time=to_timestamp(row.update_us),
        limit_source=charging_profile_pb2.ChargingLimitSource.ValueType(row.limit_source or CSO),
        report_time=None if row.report_us is None else to_timestamp(row.report_us),
    )
