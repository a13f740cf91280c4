"""The conditions that station_svc finds: what each row says, and the calls that help."""

from functools import partial
from typing import Any

import sqlalchemy as sa
from csms.common.v1.evse_pb2 import EvseRef
from csms.condition.v1 import condition_pb2 as pb

from mesh.conditions.queries import ConditionQueries, KindQuery, remedy
from mesh.runtime.error_reasons import Reason
from mesh.runtime.times import to_timestamp
from station_svc.api import condition_store as store
from station_svc.core.models import PLACEMENTS

_COMMANDS = "csms.station.v1.CommandService"
_STATIONS = "csms.station.v1.StationService"
_NO_FRAME = 1006
_REFUSED = "HANDSHAKE_REFUSED"


def condition_queries(*, offline_s: int = store.OFFLINE_S) -> ConditionQueries:
    """The queries; `offline_s` is for how long a station has no connection before it counts as offline."""
    return ConditionQueries(
        tables=PLACEMENTS,
        kinds={
            pb.CONDITION_KIND_STATION_OFFLINE: KindQuery(
                query=partial(store.offline, after_s=offline_s), describe=_offline
            ),
            pb.CONDITION_KIND_CONNECTOR_FAULTED: KindQuery(query=store.faulted, describe=_faulted),
            pb.CONDITION_KIND_ALARM_OPEN: KindQuery(query=store.alarm_open, describe=_alarm),
            pb.CONDITION_KIND_STATION_PENDING: KindQuery(query=store.pending, describe=_pending),
            pb.CONDITION_KIND_BOOT_REFUSED: KindQuery(query=store.boot_refused, describe=_boot_refused),
            pb.CONDITION_KIND_STATION_UNRESPONSIVE: KindQuery(query=store.unresponsive, describe=_unresponsive),
            pb.CONDITION_KIND_CLOCK_SKEWED: KindQuery(query=store.clock_skewed, describe=_clock_skewed),
            pb.CONDITION_KIND_CREDENTIAL_REFUSED: KindQuery(query=store.credential_refused, describe=_refused),
        },
    )


def _offline(row: sa.Row[Any]) -> pb.Condition:
    code = row.close_code or _NO_FRAME
    made = _condition(
        f"CLOSE_CODE_{code}",
        closeCode=code,
        remoteAddress=row.remote_address,
        ocppVersion=row.ocpp_version,
        connectTime=to_timestamp(row.connect_us).ToJsonString(),
    )
    if row.failed_credential_us is not None and row.failed_credential_us > row.begin_us:
        # It is there, and is not let in.
        made.reason = _REFUSED
        made.remedies.extend(_remedies_of_refusal(row))
    return made


def _faulted(row: sa.Row[Any]) -> pb.Condition:
    evse = EvseRef(evse_id=row.third, connector_id=row.fourth)
    made = _condition(
        row.error_code or "FAULTED",
        reportedStatus=row.reported_status,
        errorCode=row.error_code,
        info=row.info,
        vendorId=row.vendor_id,
        vendorErrorCode=row.vendor_error_code,
    )
    if row.third:
        made.evse.CopyFrom(evse)
    named = {"evse": {"evseId": row.third, "connectorId": row.fourth}} if row.third else {}
    made.remedies.extend(
        [
            remedy(f"{_COMMANDS}/Reset", stationId=row.station_id, type="RESET_TYPE_ON_IDLE"),
            remedy(
                f"{_COMMANDS}/TriggerMessage",
                stationId=row.station_id,
                requestedMessage="MESSAGE_TRIGGER_STATUS_NOTIFICATION",
                **named,
            ),
            remedy(
                f"{_COMMANDS}/ChangeAvailability",
                stationId=row.station_id,
                operationalStatus="OPERATIONAL_STATUS_INOPERATIVE",
                **named,
            ),
        ]
    )
    return made


def _alarm(row: sa.Row[Any]) -> pb.Condition:
    made = _condition(
        f"SEVERITY_{row.severity}",
        alarmId=row.second,
        component=row.component,
        variable=row.variable,
        value=row.value,
        severity=row.severity,
        monitorId=row.monitor_id,
        techCode=row.tech_code,
        techInfo=row.tech_info,
    )
    if row.evse_id:
        made.evse.CopyFrom(EvseRef(evse_id=row.evse_id, connector_id=row.connector_id))
    made.remedies.append(remedy(f"{_COMMANDS}/Reset", stationId=row.station_id, type="RESET_TYPE_ON_IDLE"))
    return made


def _pending(row: sa.Row[Any]) -> pb.Condition:
    made = _condition("PENDING", vendorName=row.vendor_name, model=row.model, serialNumber=row.serial_number)
    made.remedies.extend([_register(row.station_id, "ACCEPTED"), _register(row.station_id, "REJECTED")])
    return made


def _boot_refused(row: sa.Row[Any]) -> pb.Condition:
    if row.is_rejected:
        made = _condition("REGISTRATION_REJECTED", message=row.text)
        made.remedies.append(_register(row.station_id, "ACCEPTED"))
        return made
    return _condition("BOOT_ERROR", message=row.text)


def _unresponsive(row: sa.Row[Any]) -> pb.Condition:
    made = _condition("UNANSWERED_CALLS", unansweredCalls=row.size)
    made.remedies.append(remedy(f"{_STATIONS}/CloseConnection", stationId=row.station_id))
    return made


def _clock_skewed(row: sa.Row[Any]) -> pb.Condition:
    made = _condition("CLOCK_AHEAD" if row.size > 0 else "CLOCK_BEHIND", clockSkewS=row.size)
    for trigger in ("HEARTBEAT", "BOOT_NOTIFICATION"):  # the answers to both have the right time
        made.remedies.append(
            remedy(
                f"{_COMMANDS}/TriggerMessage", stationId=row.station_id, requestedMessage=f"MESSAGE_TRIGGER_{trigger}"
            )
        )
    return made


def _refused(row: sa.Row[Any]) -> pb.Condition:
    made = _condition(
        _REFUSED,
        remoteAddress=row.failed_credential_address,
        securityProfile=row.security_profile,
        refusalReason=row.failed_credential_reason,
    )
    made.remedies.extend(_remedies_of_refusal(row))
    return made


def _condition(reason: str, **details: Any) -> pb.Condition:
    """A condition with those details that are known."""
    made = pb.Condition(reason=reason)
    made.details.update({name: value for name, value in details.items() if value not in (None, "")})
    return made


def _remedies_of_refusal(row: sa.Row[Any]) -> list[pb.Remedy]:
    """A new credential helps a station whose credential was wrong, and no other."""
    return [_rotate(row.station_id)] if row.failed_credential_reason in ("", Reason.WRONG_CREDENTIALS) else []


def _rotate(station_id: str) -> pb.Remedy:
    return remedy(f"{_STATIONS}/RotateCredential", stationId=station_id)


def _register(station_id: str, status: str) -> pb.Remedy:
    station = {"stationId": station_id, "registrationStatus": f"REGISTRATION_STATUS_{status}"}
    return remedy(f"{_STATIONS}/UpdateStation", station=station, updateMask="registrationStatus")
