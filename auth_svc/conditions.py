"""The conditions that auth_svc finds: what each row says, and the calls that help."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from csms.common.v1.certificate_pb2 import CertificateSigningUse
from csms.common.v1.evse_pb2 import EvseRef
from csms.condition.v1 import condition_pb2 as pb

from auth_svc import condition_store as store
from mesh.conditions.queries import ConditionQueries, KindQuery, remedy
from mesh.runtime.times import to_timestamp

_TOKENS = "csms.auth.v1.IdTokenService"


def condition_queries(*, accepts_unknown: Callable[[str], bool]) -> ConditionQueries:
    """The queries. This service does not know where stations stand.

    `accepts_unknown(tenant_id)`: whether id tokens that nobody has added are accepted; then none needs a person.
    """

    def unknown_tokens(tenant_id: str, now_us: int) -> sa.Select[Any]:
        return store.unknown_tokens(tenant_id, now_us, is_accepted=accepts_unknown(tenant_id))

    return ConditionQueries(
        kinds={
            pb.CONDITION_KIND_ID_TOKEN_UNKNOWN: KindQuery(query=unknown_tokens, describe=_unknown),
            pb.CONDITION_KIND_CERTIFICATE_EXPIRING: KindQuery(query=store.expiring_certificates, describe=_certificate),
            pb.CONDITION_KIND_CERTIFICATE_EXPIRED: KindQuery(query=store.expired_certificates, describe=_certificate),
        },
    )


def _unknown(row: sa.Row[Any]) -> pb.Condition:
    made = pb.Condition(reason="NOT_ADDED", id_token=row.id_token)
    if row.evse_id:
        made.evse.CopyFrom(EvseRef(evse_id=row.evse_id, connector_id=row.connector_id))
    if row.type:
        made.details.update({"type": row.type})
    made.remedies.extend(
        [
            remedy(f"{_TOKENS}/AddSeenIdToken", idToken=row.id_token),
            remedy(f"{_TOKENS}/AddSeenIdToken", idToken=row.id_token, status="Blocked"),
        ]
    )
    return made


def _certificate(row: sa.Row[Any]) -> pb.Condition:
    made = pb.Condition(reason="CERTIFICATE_ENDS", serial_number=row.first)
    use = CertificateSigningUse.Name(row.certificate_type)
    made.details.update(
        {"certificateType": use, "endTime": to_timestamp(row.expire_us).ToJsonString(), "subject": row.subject}
    )
    made.remedies.append(
        remedy(
            "csms.station.v1.CommandService/TriggerMessage",
            stationId=row.station_id,
            requestedMessage=(
                "MESSAGE_TRIGGER_SIGN_V2G_CERTIFICATE"
                if "V2G" in use
                else "MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE"
            ),
        )
    )
    return made
