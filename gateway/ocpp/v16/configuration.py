"""Configuration keys of 1.6 as variables of 2.x, for GetConfiguration and ChangeConfiguration."""

from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.translation import UnacceptableError
from mesh.contract.standard_variables import KEY_COMPONENT, KEYS, StandardVariable
from mesh.runtime.masking import MASK, is_secret

COMPONENT = KEY_COMPONENT
_MAX_KEY = 50  # CiString50Type


def to_key(variable: Variable, field: str) -> str:
    """1.6's key for a variable: its name, or the key that means the same as a standard variable of 2.x.

    UnacceptableError where 1.6 has no way to name it.
    """
    standard = StandardVariable(variable.component, variable.variable, variable.variable_instance)
    renamed = KEYS.get(standard)
    if variable.component not in ("", COMPONENT) and renamed is None:
        raise UnacceptableError(
            "NotSupported",
            f"{field}.component",
            f'OCPP 1.6 has no component but "{COMPONENT}", and no key for {".".join(filter(None, standard))}',
        )
    if variable.component_instance or variable.evse.evse_id or variable.evse.connector_id:
        raise UnacceptableError("NotSupported", field, "OCPP 1.6 has no instances, and no variables of an EVSE")
    if variable.variable_instance and renamed is None:
        raise UnacceptableError("NotSupported", field, "OCPP 1.6 has no instances, and no variables of an EVSE")
    if variable.attribute_type not in ("", "Actual"):
        raise UnacceptableError("NotSupported", f"{field}.attribute_type", 'OCPP 1.6 has none but "Actual"')
    key = renamed or check_given(variable.variable, f"{field}.variable")
    return check_length(key, _MAX_KEY, f"{field}.variable")


def to_variable(key: str, value: str = "", *, readonly: bool | None = None) -> Variable:
    """The variable of a key of 1.6. Secrets are masked here already: no later code needs them."""
    shown = MASK if value and is_secret(key) else value
    return Variable(component=COMPONENT, variable=key, value=shown, readonly=readonly)
