"""Registers charging profiles with the service."""

from functools import partial

from csms.station.v1 import charging_profile_pb2, command_service_pb2
from csms.station.v1.charging_profile_service_pb2_grpc import add_ChargingProfileServiceServicer_to_server
from sqlalchemy import Connection

from mesh.grpc.types import Context
from station_svc.commands.evses import resolve_evse
from station_svc.commands.hooks import NO_HOOKS, CommandHooks
from station_svc.core.storage import Retention, Storage
from station_svc.feature import Feature, FeatureParts, Resources, as_it_is
from station_svc.features.smart_charging import (
    ev_charging,
    ev_store,
    limit_store,
    limits,
    models,
    reported,
    rules,
    store,
)
from station_svc.features.smart_charging.ev_delivery import EvProfileDelivery
from station_svc.features.smart_charging.models import charging_limit, charging_profile, charging_profile_report
from station_svc.features.smart_charging.servicer import ChargingProfileServicer


def _build(resources: Resources) -> FeatureParts:
    servicer = ChargingProfileServicer(database=resources.database, clock=resources.clock)
    delivery = EvProfileDelivery(database=resources.database, sender=resources.job_sender, clock=resources.clock)
    return FeatureParts(
        jobs={ev_charging.KIND: delivery.kind},
        operator=[partial(add_ChargingProfileServiceServicer_to_server, servicer)],
        commands={
            "RequestStartTransaction": _request_start,
            "SetChargingProfile": _set_profile,
            "ClearChargingProfile": _clear_profiles,
            "GetChargingProfiles": _get_profiles,
            "GetCompositeSchedule": as_it_is,
            "CostUpdated": as_it_is,
        },
    )


async def _request_start(
    sent: command_service_pb2.RequestStartTransactionRequest, _context: Context | None
) -> CommandHooks:
    """Prepares a start that may have a charging profile."""
    if not sent.HasField("charging_profile"):
        return NO_HOOKS
    return rules.SetProfile(evse_id=sent.evse_id, profile=sent.charging_profile)


async def _set_profile(sent: charging_profile_pb2.SetChargingProfileRequest, _context: Context | None) -> CommandHooks:
    return rules.SetProfile(evse_id=sent.evse_id, profile=sent.charging_profile)


async def _get_profiles(
    sent: charging_profile_pb2.GetChargingProfilesRequest, _context: Context | None
) -> CommandHooks:
    return reported.AskProfiles(sent=sent)


async def _clear_profiles(
    sent: charging_profile_pb2.ClearChargingProfileRequest, _context: Context | None
) -> CommandHooks:
    if sent.HasField("criteria"):
        resolve_evse(sent.criteria, "criteria.")
    return rules.ClearProfiles(criteria=rules.to_criteria(sent))


def _end_due(connection: Connection, *, now_us: int, limit: int) -> int:
    ended = rules.end_due(connection, now_us=now_us, limit=limit)
    return ended + reported.end_due(connection, now_us=now_us, limit=limit)


FEATURE = Feature(
    storage=Storage(
        present=[charging_profile, charging_profile_report, charging_limit, models.ev_charging],
        retention=[
            Retention(
                name="CHARGING_PROFILE",
                days=90,
                removals=[store.remove_old, limit_store.remove_old, ev_store.remove_old],
            )
        ],
    ),
    reports={
        "transaction_end": rules.record_transaction_ends,
        "charging_profile_report": reported.record,
        "charging_limit": limits.record,
        "charging_limit_clearing": limits.record_clearings,
        "ev_charging_needs": ev_charging.record_needs,
        "ev_charging_schedule": ev_charging.record_schedules,
    },
    on_statuses=rules.follow_statuses,
    end_due=_end_due,
    build=_build,
)
