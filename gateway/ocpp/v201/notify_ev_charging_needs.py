"""NotifyEVChargingNeeds, K15 and K17."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.ev_charging_pb2 import (
    ENERGY_TRANSFER_MODE_UNSPECIFIED,
    AcChargingParameters,
    DcChargingParameters,
    EvChargingNeeds,
)
from csms.station.v1.station_ingest_service_pb2 import ReportItem, ReportResult
from csms.transaction.v1.transaction_ingest_service_pb2 import FindEvseTransactionsItem, FindEvseTransactionsResult

from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.enums import ENERGY_TRANSFER_MODES
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.values import parse_us, set_time

_AC = {
    "energyAmount": "energy_wh",
    "evMinCurrent": "min_current_a",
    "evMaxCurrent": "max_current_a",
    "evMaxVoltage": "max_voltage_v",
}
_DC = {
    "evMaxCurrent": "max_current_a",
    "evMaxVoltage": "max_voltage_v",
    "energyAmount": "energy_wh",
    "evMaxPower": "max_power_w",
    "stateOfCharge": "state_of_charge",
    "evEnergyCapacity": "capacity_wh",
    "fullSoC": "full_state_of_charge",
    "bulkSoC": "bulk_state_of_charge",
}


def to_items(payload: Payload, origin: Origin) -> Items:
    """The question for the transaction of the EVSE, which the station does not name. The needs are read first."""
    _to_needs(payload)
    return {IngestRpc.EVSE_TRANSACTIONS: FindEvseTransactionsItem(origin=origin, evse_id=_evse_id(payload))}


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """The needs, with the transaction that a charging profile is to be for."""
    item = ReportItem(origin=origin)
    report = item.ev_charging_needs
    report.evse_id = _evse_id(payload)
    report.needs.CopyFrom(_to_needs(payload))
    report.transaction_id = _transaction_id(results)
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, results: Results, _now_us: int) -> Payload:
    """Accepted where a charging profile follows: its job is committed with the needs. Else Rejected (K15.FR.04, .05).

    Without a known transaction no profile can be for it, and the vehicle charges within the limits of the station.
    """
    reported = results.get(IngestRpc.REPORTS)
    follows = isinstance(reported, ReportResult) and not reported.HasField("error") and bool(_transaction_id(results))
    return {"status": "Accepted" if follows else "Rejected"}


def _evse_id(payload: Payload) -> int:
    return check_not_negative(check_int32(payload["evseId"], "evseId"), "evseId")


def _transaction_id(results: Results) -> str:
    found = results.get(IngestRpc.EVSE_TRANSACTIONS)
    return found.transaction_id if isinstance(found, FindEvseTransactionsResult) else ""


def _to_needs(payload: Payload) -> EvChargingNeeds:
    reported = payload["chargingNeeds"]
    mode = ENERGY_TRANSFER_MODES.get(reported["requestedEnergyTransfer"], ENERGY_TRANSFER_MODE_UNSPECIFIED)
    needs = EvChargingNeeds(energy_transfer_mode=mode)
    us = parse_us(reported.get("departureTime", ""))
    if us is not None:
        set_time(needs.departure_time, us)
    if "maxScheduleTuples" in payload:
        needs.max_schedule_tuples = check_int32(payload["maxScheduleTuples"], "maxScheduleTuples")
    if "acChargingParameters" in reported:
        needs.ac_parameters.CopyFrom(_to_ac(reported["acChargingParameters"]))
    if "dcChargingParameters" in reported:
        needs.dc_parameters.CopyFrom(_to_dc(reported["dcChargingParameters"]))
    return needs


def _to_ac(payload: Payload) -> AcChargingParameters:
    place = "chargingNeeds.acChargingParameters"
    return AcChargingParameters(**{name: _number(payload[key], f"{place}.{key}") for key, name in _AC.items()})


def _to_dc(payload: Payload) -> DcChargingParameters:
    place = "chargingNeeds.dcChargingParameters"
    given = {key: name for key, name in _DC.items() if key in payload}
    return DcChargingParameters(**{name: _number(payload[key], f"{place}.{key}") for key, name in given.items()})


def _number(value: int, field: str) -> int:
    return check_not_negative(check_int32(value, field), field)


INBOUND = Inbound(
    to_items=to_items,
    to_response=to_response,
    to_follow_up=to_follow_up,
    optional=frozenset({IngestRpc.EVSE_TRANSACTIONS}),
)
