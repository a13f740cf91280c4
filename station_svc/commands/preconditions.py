"""The commands that a station may be sent while it is not accepted: 1.6, 4.2; 2.0.1 part 2, B02 and B03. Pure.

What counts is what the station was answered at its last boot: that is what it goes by. One that has not booted yet was
answered nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

import grpc
from csms.station.v1 import command_service_pb2

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.commands.rows import BegunCommand
from station_svc.core.rows import PENDING, REJECTED

V16 = "1.6"

_START_STOP = frozenset({"request_start_transaction", "request_stop_transaction"})
_START_STOP_ACTIONS = frozenset({"RemoteStartTransaction", "RemoteStopTransaction"})


def check_may_be_sent(name: str, request: Any, begun: BegunCommand) -> None:
    """Raises MeshError STATION_PENDING or STATION_REJECTED for a command that the station must not be sent now.

    `name` is the field of csms.gateway.v1.CallRequest, `request` the command.
    """
    if begun.boot_status == PENDING and begun.ocpp_version == V16 and _is_start_or_stop(name, request):
        raise _refused(
            Reason.STATION_PENDING,
            "it was answered Pending at its last boot, and OCPP 1.6 (4.2) allows no remote start or stop then",
        )
    if begun.boot_status == REJECTED and not (begun.ocpp_version != V16 and _asks_for_boot(name, request)):
        raise _refused(
            Reason.STATION_REJECTED,
            "it was answered Rejected at its last boot, and may be sent nothing then"
            + ("" if begun.ocpp_version == V16 else " but a trigger of BootNotification (OCPP 2.0.1, B03)"),
        )


def _is_start_or_stop(name: str, request: Any) -> bool:
    return name in _START_STOP or (name == "send_call" and request.action in _START_STOP_ACTIONS)


def _asks_for_boot(name: str, request: Any) -> bool:
    asks = _BOOT_TRIGGERS.get(name)
    return asks is not None and asks(request)


_BOOT_TRIGGERS: Mapping[str, Callable[[Any], bool]] = {
    "trigger_message": lambda request: (
        request.requested_message == command_service_pb2.MESSAGE_TRIGGER_BOOT_NOTIFICATION
    ),
    "send_call": lambda request: (
        request.action == "TriggerMessage"
        and request.payload.fields["requestedMessage"].string_value == "BootNotification"
        if "requestedMessage" in request.payload.fields
        else False
    ),
}


def _refused(reason: Reason, why: str) -> MeshError:
    return MeshError(
        grpc.StatusCode.FAILED_PRECONDITION,
        reason,
        f"nothing was sent to the station: {why}. Accept it (registration_status), and try again once it has booted",
    )
