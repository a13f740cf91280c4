"""Variables, as GetVariables and SetVariables have in common: how one is named, and which answer is about which."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.translation import Payload, UnacceptableError
from gateway.ocpp.v2.parts import evse_payload, set_evse_of
from mesh.runtime.masking import MASK, is_secret

# AttributeEnumType. The first is what leaving it out means.
ATTRIBUTE_TYPES = ("Actual", "Target", "MinSet", "MaxSet")
_MAX_NAME = 50

Key = tuple[str, str, int, int, str, str, str]


def limit_variables(action: str) -> tuple[Variable, Variable]:
    """The station's limits for one CALL of GetVariables or SetVariables: in items, and in bytes (part 2, 2.1.10)."""
    items, size = (
        Variable(component="DeviceDataCtrlr", variable=name, variable_instance=action)
        for name in ("ItemsPerMessage", "BytesPerMessage")
    )
    return items, size


def to_component_variable(variable: Variable, field: str) -> Payload:
    """The fields that name a component, and a variable of it where one is given."""
    if variable.variable:
        named = to_reference(variable, field)
        return {"component": named["component"], "variable": named["variable"]}
    return {"component": to_component(variable, field)}


def to_reference(variable: Variable, field: str) -> Payload:
    """The fields that name a variable's attribute. UnacceptableError where 2.0.1 cannot name it."""
    component = to_component(variable, field)
    named: Payload = {"name": _name(variable.variable, f"{field}.variable")}
    if variable.variable_instance:
        named["instance"] = check_length(variable.variable_instance, _MAX_NAME, f"{field}.variable_instance")
    reference: Payload = {"component": component, "variable": named}
    if variable.attribute_type:
        if variable.attribute_type not in ATTRIBUTE_TYPES:
            known = ", ".join(ATTRIBUTE_TYPES)
            raise UnacceptableError("PropertyConstraintViolation", f"{field}.attribute_type", f"must be one of {known}")
        reference["attributeType"] = variable.attribute_type
    return reference


def to_component(variable: Variable, field: str) -> Payload:
    """The ComponentType of a variable's component. UnacceptableError where 2.0.1 cannot name it."""
    component: Payload = {"name": _name(variable.component, f"{field}.component")}
    if variable.component_instance:
        component["instance"] = check_length(variable.component_instance, _MAX_NAME, f"{field}.component_instance")
    evse = evse_payload(variable.evse, f"{field}.evse")
    if evse is not None:
        component["evse"] = evse
    return component


def _name(text: str, field: str) -> str:
    return check_length(check_given(text, field), _MAX_NAME, field)


def to_variable(item: Payload, value: str = "") -> Variable:
    """The variable of an answer. Secrets are masked here already: no later code needs them."""
    component, named = item["component"], item["variable"]
    variable = Variable(
        component=component["name"],
        component_instance=component.get("instance", ""),
        variable=named["name"],
        variable_instance=named.get("instance", ""),
        attribute_type=item.get("attributeType", ""),
        value=MASK if value and is_secret(named["name"]) else value,
    )
    if "evse" in component:
        set_evse_of(variable.evse, component["evse"])
    return variable


def without_value(variable: Variable) -> Variable:
    """A requested variable, as an answer names it."""
    return Variable(
        component=variable.component,
        component_instance=variable.component_instance,
        evse=variable.evse if variable.HasField("evse") else None,
        variable=variable.variable,
        variable_instance=variable.variable_instance,
        attribute_type=variable.attribute_type,
    )


class Matched(NamedTuple):
    """Answers by what they answer: one or none for each variable, in its place; and those to no request."""

    answers: Sequence[Payload | None]
    beside: Sequence[Payload]


def match(variables: Sequence[Variable], items: Iterable[Payload]) -> Matched:
    """Finds the answer to each variable, in any order. Names are compared without regard to case."""
    found: dict[Key, list[Payload]] = {}
    for item in items:
        found.setdefault(_key(to_variable(item)), []).append(item)
    answers = [_take(found, _key(variable)) for variable in variables]
    return Matched(answers, [item for rest in found.values() for item in rest])


def _take(found: dict[Key, list[Payload]], key: Key) -> Payload | None:
    waiting = found.get(key)
    return waiting.pop(0) if waiting else None


def _key(variable: Variable) -> Key:
    return (
        variable.component.lower(),
        variable.component_instance.lower(),
        variable.evse.evse_id,
        variable.evse.connector_id,
        variable.variable.lower(),
        variable.variable_instance.lower(),
        variable.attribute_type or ATTRIBUTE_TYPES[0],
    )
