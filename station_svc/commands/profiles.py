"""The security profile that a command would set at a station. Pure."""

from collections.abc import Sequence

from csms.station.v1 import station_pb2

from mesh.runtime.errors import invalid_field
from station_svc.core.profiles import PROFILES

_NAME = "securityprofile"  # of 1.6, and of SecurityCtrlr of 2.x
_SETTABLE = tuple(str(profile) for profile in PROFILES if profile)


def profile_among(variables: Sequence[station_pb2.Variable], *, field: str = "variables") -> int | None:
    """The profile among variables to be set, None without one. `field` is their place in the request.

    Raises MeshError INVALID_FIELD for a value that is no profile, and for one that is not set alone.
    """
    for index, variable in enumerate(variables):
        if variable.variable.strip().lower() != _NAME:
            continue
        if len(variables) > 1:
            raise invalid_field(field, f"{variable.variable} is set alone, so that its outcome is known")
        if variable.value not in _SETTABLE:
            raise invalid_field(f"{field}[{index}].value", f"one of {', '.join(_SETTABLE)} is needed")
        return int(variable.value)
    return None
