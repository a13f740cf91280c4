"""Refuses commands of operators that would change a station's credential at the station, but not here.

A credential that only the station has locks it out: it reconnects with one that is not known here. So every command
with another credential is refused before it is sent, except RotateCredential with hand_over; and a raw call that
changes the security profile is refused too, since SetVariables checks first that the station could still connect.
"""

import re
from collections.abc import Iterable
from typing import Any

import grpc
import msgspec
from csms.station.v1 import command_service_pb2, station_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core.profiles import BY_CERTIFICATE

_PUNCTUATION = re.compile(r"[\W_]+")
# 1.6 and 2.x (2.1 has the second as a field of SetNetworkProfile, too); vendors put words of their own around them.
_CREDENTIALS = ("authorizationkey", "basicauthpassword")
_PROFILE = "securityprofile"


def is_credential(name: str) -> bool:
    """Whether a configuration key, variable or field of this name holds what a station proves itself with."""
    bare = _bare(name)
    return any(word in bare for word in _CREDENTIALS)


def check_variables(variables: Iterable[station_pb2.Variable]) -> None:
    """Raises MeshError USE_ROTATE_CREDENTIAL where one of the variables to be set is a credential."""
    for variable in variables:
        if is_credential(variable.variable):
            raise use_rotate_credential(variable.variable)


def check_command(name: str, request: Message) -> None:
    """Raises MeshError where the command `name` would change a credential, or a profile unchecked."""
    if isinstance(request, command_service_pb2.SetVariablesRequest):
        check_variables(request.variables)
    elif isinstance(request, command_service_pb2.SendCallRequest):
        _check_call(request.action, json_format.MessageToDict(request.payload))
    elif name == "data_transfer" and isinstance(request, command_service_pb2.DataTransferRequest):
        _check_data(request.data)


def use_rotate_credential(name: str) -> MeshError:
    """FAILED_PRECONDITION, reason USE_ROTATE_CREDENTIAL."""
    return MeshError(
        grpc.StatusCode.FAILED_PRECONDITION,
        Reason.USE_ROTATE_CREDENTIAL,
        f"{name[:100]}: a station's credential is changed by StationService.RotateCredential with hand_over alone "
        '(POST /v1/stations/{station_id}:rotateCredential, {"handOver": true}); nothing was sent',
    )


def _check_call(action: str, payload: dict[str, Any]) -> None:
    if action in {"ChangeConfiguration", "SetVariables"}:
        for name in _named(payload):
            _check_name(name)
    elif action == "DataTransfer":
        _check_data(payload.get("data"))
    elif action == "SetNetworkProfile":
        _check_fields(payload)
        _check_profile(payload.get("connectionData"))


def _named(payload: dict[str, Any]) -> Iterable[str]:
    """The keys and variables that a payload of these actions sets; what is none of them breaks the schema anyway."""
    yield str(payload.get("key", ""))
    settings = payload.get("setVariableData")
    for setting in settings if isinstance(settings, list) else []:
        variable = setting.get("variable") if isinstance(setting, dict) else None
        if isinstance(variable, dict):
            yield str(variable.get("name", ""))


def _check_name(name: str) -> None:
    if is_credential(name):
        raise use_rotate_credential(name)
    if _bare(name) == _PROFILE:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.USE_SET_VARIABLES,
            "SecurityProfile is changed by CommandService.SetVariables alone, which checks first that the station can "
            "still come in; nothing was sent",
        )


def _check_profile(data: Any) -> None:
    """Of a network profile: whether a station would connect by its certificate, before that is expected here."""
    if isinstance(data, dict) and data.get("securityProfile") == BY_CERTIFICATE:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.USE_SET_NETWORK_PROFILE,
            "a network profile of security profile 3 is set by CommandService.SetNetworkProfile alone, which checks "
            "first that the station can still come in; nothing was sent",
        )


def _check_data(data: Any) -> None:
    """Of a vendor's own message: whether it has a credential, by OCPP's name for it, and a value for that."""
    if isinstance(data, str):
        try:
            data = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return
    _check_fields(data)


def _check_fields(value: Any) -> None:
    for item in value if isinstance(value, list) else []:
        _check_fields(item)
    for key, item in value.items() if isinstance(value, dict) else []:
        if is_credential(key):
            raise use_rotate_credential(key)
        if key == "key" and isinstance(item, str) and "value" in value and is_credential(item):
            raise use_rotate_credential(item)
        _check_fields(item)


def _bare(name: str) -> str:
    return _PUNCTUATION.sub("", name.casefold())
