"""The SQL of stations' message attempts: how often they repeat messages about transactions, by their variables."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.lock_store import StationKey
from station_svc.core.models import variable
from station_svc.ingest.rows import MessageAttempts


class _Name(NamedTuple):
    component: str
    variable: str
    variable_instance: str


# 1.6 section 9.1, whose keys are variables of the station here; 2.0.1. The attempts first, then the interval.
_PAIRS = (
    (
        _Name("ChargingStation", "TransactionMessageAttempts", ""),
        _Name("ChargingStation", "TransactionMessageRetryInterval", ""),
    ),
    (
        _Name("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"),
        _Name("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"),
    ),
)
_NAMES = tuple(name for pair in _PAIRS for name in pair)
_MOST_DIGITS = 9  # of an int32

_FIND = RowStatement(
    """
    SELECT v.tenant_id, v.station_id, v.component, v.variable, v.variable_instance, v.value, v.update_us
    FROM {rows} JOIN variable v
      ON v.tenant_id = rows.tenant_id AND v.station_id = rows.station_id
     AND v.component = rows.component AND v.variable = rows.variable AND v.component_instance = ''
     AND v.evse_id = 0 AND v.connector_id = 0 AND v.variable_instance = rows.variable_instance
     AND v.attribute_type = 'Actual'
    """,
    **columns_of(variable, "tenant_id", "station_id", "component", "variable", "variable_instance"),
)


def find_message_attempts(
    connection: Connection, stations: Collection[StationKey]
) -> Mapping[StationKey, MessageAttempts]:
    """The attempts of those stations of which both variables are known, and are numbers.

    A station that has spoken two versions of OCPP may have reported both pairs: the one that it reported last counts.
    """
    wanted = [
        {"tenant_id": tenant_id, "station_id": station_id, **name._asdict()}
        for tenant_id, station_id in sorted(stations)
        for name in _NAMES
    ]
    stated: dict[StationKey, dict[_Name, tuple[int, int]]] = {}
    for row in _FIND.run(connection, wanted) if wanted else ():
        number = _to_number(row.value)
        if number is not None:
            name = _Name(row.component, row.variable, row.variable_instance)
            stated.setdefault((row.tenant_id, row.station_id), {})[name] = (row.update_us, number)
    found = {key: _latest(_pairs(numbers)) for key, numbers in stated.items()}
    return {key: attempts for key, attempts in found.items() if attempts is not None}


def _pairs(numbers: Mapping[_Name, tuple[int, int]]) -> Iterable[tuple[int, MessageAttempts]]:
    """The pairs of which both are known, each with the time of the later one."""
    for attempts, interval in _PAIRS:
        if attempts in numbers and interval in numbers:
            (attempts_us, count), (interval_us, interval_s) = numbers[attempts], numbers[interval]
            yield max(attempts_us, interval_us), MessageAttempts(count=count, interval_s=interval_s)


def _latest(pairs: Iterable[tuple[int, MessageAttempts]]) -> MessageAttempts | None:
    return max(pairs, key=lambda pair: pair[0], default=(0, None))[1]


def _to_number(value: str) -> int | None:
    """A whole number as the station wrote it; None where it is none."""
    digits = value.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else None
