"""NotifyReport, B07 and B08: one part of a report of variables."""

from collections.abc import Iterator

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.device_model_pb2 import ReportedAttribute
from csms.station.v1.station_ingest_service_pb2 import ReportItem
from csms.station.v1.station_pb2 import (
    MUTABILITY_READ_ONLY,
    MUTABILITY_UNSPECIFIED,
    VARIABLE_DATA_TYPE_UNSPECIFIED,
    VariableCharacteristics,
)

from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.device_model_enums import MUTABILITIES, VARIABLE_DATA_TYPES
from gateway.ocpp.results import nothing
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload
from gateway.ocpp.v2.variables import ATTRIBUTE_TYPES, to_variable
from gateway.ocpp.values import parse_us, set_time


def to_items(payload: Payload, origin: Origin) -> Items:
    """The part with its attributes; one attribute that the station names twice counts as it is named last."""
    item = ReportItem(origin=origin)
    part = item.variable_report_part
    part.variable_report_id = check_int32(payload["requestId"], "requestId")
    part.seq_no = check_not_negative(check_int32(payload["seqNo"], "seqNo"), "seqNo")
    part.to_be_continued = payload.get("tbc", False)
    us = parse_us(payload["generatedAt"])
    if us is not None:
        set_time(part.generate_time, us)
    for data in payload.get("reportData", ()):
        part.attributes.extend(_to_attributes(data))
    return {IngestRpc.REPORTS: item}


def _to_attributes(data: Payload) -> Iterator[ReportedAttribute]:
    """The attributes of one variable. Each has the characteristics of the variable."""
    characteristics = _to_characteristics(data.get("variableCharacteristics"))
    for attribute in data["variableAttribute"]:
        named = {"component": data["component"], "variable": data["variable"]}
        variable = to_variable(named, attribute.get("value", ""))
        variable.attribute_type = attribute.get("type", ATTRIBUTE_TYPES[0])
        variable.mutability = MUTABILITIES.get(attribute.get("mutability", "ReadWrite"), MUTABILITY_UNSPECIFIED)
        variable.readonly = variable.mutability == MUTABILITY_READ_ONLY
        variable.persistent = attribute.get("persistent", False)
        variable.constant = attribute.get("constant", False)
        if characteristics is not None:
            variable.characteristics.CopyFrom(characteristics)
        yield ReportedAttribute(variable=variable, without_value="value" not in attribute)


def _to_characteristics(payload: Payload | None) -> VariableCharacteristics | None:
    if payload is None:
        return None
    return VariableCharacteristics(
        unit=payload.get("unit", ""),
        data_type=VARIABLE_DATA_TYPES.get(payload["dataType"], VARIABLE_DATA_TYPE_UNSPECIFIED),
        min_limit=payload.get("minLimit"),
        max_limit=payload.get("maxLimit"),
        values_list=payload.get("valuesList", ""),
        supports_monitoring=payload["supportsMonitoring"],
    )


INBOUND = Inbound(to_items=to_items, to_response=nothing)
