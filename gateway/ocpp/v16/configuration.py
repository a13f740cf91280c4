"""Configuration keys of 1.6 as variables of 2.x, for GetConfiguration and ChangeConfiguration."""

from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.translation import UnacceptableError
from mesh.runtime.masking import MASK, is_secret

COMPONENT = "ChargingStation"
_MAX_KEY = 50  # CiString50Type

# Variables of 2.x that 1.6 calls otherwise, security whitepaper 5.1.
_KEYS = {
    ("SecurityCtrlr", "BasicAuthPassword"): "AuthorizationKey",
    ("SecurityCtrlr", "OrganizationName"): "CpoName",
    ("SecurityCtrlr", "SecurityProfile"): "SecurityProfile",
}


def to_key(variable: Variable, field: str) -> str:
    """1.6's key for a variable. UnacceptableError where 1.6 has no way to name it."""
    renamed = _KEYS.get((variable.component, variable.variable))
    if variable.component not in ("", COMPONENT) and renamed is None:
        raise UnacceptableError("NotSupported", f"{field}.component", f'OCPP 1.6 has no component but "{COMPONENT}"')
    if variable.component_instance or variable.variable_instance or variable.evse.evse_id or variable.evse.connector_id:
        raise UnacceptableError("NotSupported", field, "OCPP 1.6 has no instances, and no variables of an EVSE")
    if variable.attribute_type not in ("", "Actual"):
        raise UnacceptableError("NotSupported", f"{field}.attribute_type", 'OCPP 1.6 has none but "Actual"')
    key = renamed or check_given(variable.variable, f"{field}.variable")
    return check_length(key, _MAX_KEY, f"{field}.variable")


def to_variable(key: str, value: str = "", *, readonly: bool | None = None) -> Variable:
    """The variable of a key of 1.6. Secrets are masked here already: no later code needs them."""
    shown = MASK if value and is_secret(key) else value
    return Variable(component=COMPONENT, variable=key, value=shown, readonly=readonly)
