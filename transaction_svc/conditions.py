"""The conditions that transaction_svc finds: what each row says, and the calls that help."""

from typing import Any

import sqlalchemy as sa
from csms.common.v1.evse_pb2 import EvseRef
from csms.condition.v1 import condition_pb2 as pb

from mesh.conditions.queries import ConditionQueries, KindQuery, remedy
from mesh.runtime.times import to_timestamp
from transaction_svc import condition_store as store
from transaction_svc.energy import EnergyFlag
from transaction_svc.models import PLACEMENTS

_TRANSACTIONS = "csms.transaction.v1.TransactionService"


def condition_queries() -> ConditionQueries:
    """The queries."""
    return ConditionQueries(
        tables=PLACEMENTS,
        kinds={
            pb.CONDITION_KIND_TRANSACTION_HANGING: KindQuery(query=store.hanging, describe=_hanging),
            pb.CONDITION_KIND_ENERGY_DOUBTED: KindQuery(query=store.doubted, describe=_doubted),
            pb.CONDITION_KIND_MESSAGE_QUARANTINED: KindQuery(query=store.quarantined, describe=_quarantined),
        },
    )


def _hanging(row: sa.Row[Any]) -> pb.Condition:
    made = _of_transaction(row, "STATION_WENT_ON")
    times = {"endTime": row.hanging_due_us, "updateTime": row.update_us, "startTime": row.start_us}
    made.details.update({name: to_timestamp(us).ToJsonString() for name, us in times.items() if us is not None})
    named = {"stationId": row.station_id, "transactionId": row.second}
    made.remedies.extend(
        [
            remedy(f"{_TRANSACTIONS}/EndTransaction", **named, generation=row.third),
            remedy("csms.station.v1.CommandService/RequestStopTransaction", **named),
        ]
    )
    return made


def _doubted(row: sa.Row[Any]) -> pb.Condition:
    flags = [flag for flag in row.flags.strip(",").split(",") if flag in set(EnergyFlag)]
    made = _of_transaction(row, flags[0].upper())
    made.details.update({"flags": flags})
    named = {"stationId": row.station_id, "transactionId": row.second}
    made.remedies.append(remedy(f"{_TRANSACTIONS}/ReassessTransaction", **named))
    return made


def _quarantined(row: sa.Row[Any]) -> pb.Condition:
    made = pb.Condition(reason=row.second, quarantine_id=row.quarantine_id)
    made.remedies.extend(
        remedy(f"{_TRANSACTIONS}/{method}QuarantinedItem", quarantineId=row.quarantine_id)
        for method in ("Rerun", "Mend", "Dismiss")
    )
    return made


def _of_transaction(row: sa.Row[Any], reason: str) -> pb.Condition:
    made = pb.Condition(reason=reason, transaction_id=row.second, generation=row.third)
    if row.evse_id:
        made.evse.CopyFrom(EvseRef(evse_id=row.evse_id))
    made.details.update({"energyWh": row.energy_mwh / 1000})
    return made
