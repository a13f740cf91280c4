"""CommandService: every command takes the same path (commands/commands.py), prepared by features."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from csms.gateway.v1.gateway_service_pb2 import CallRequest
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2_grpc import CommandServiceServicer
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from mesh.contract.services import command_name
from mesh.grpc.types import Context
from station_svc.commands.evses import resolve_evse
from station_svc.commands.hooks import together
from station_svc.commands.sender import CommandSender
from station_svc.feature import Preparation

SERVICE = command_service_pb2.DESCRIPTOR.services_by_name["CommandService"]

_Handler = Callable[[Any, Context], Awaitable[Message]]


def make_servicer(*, sender: CommandSender, registered: Sequence[Mapping[str, Preparation]]) -> CommandServiceServicer:
    """Serves operators. An RPC is the command of its name: ClearCache is `clear_cache` of csms.gateway.v1.CallRequest.

    `registered` is what each feature prepares, by RPC. Raises ValueError for an RPC that no feature prepares, and for
    one that there is not.
    """
    if unknown := set().union(*registered) - set(SERVICE.methods_by_name):
        raise ValueError(f"no RPC of CommandService: {', '.join(sorted(unknown))}")
    handlers = {}
    for name, method in SERVICE.methods_by_name.items():
        preparations = [one[name] for one in registered if name in one]
        if not preparations:
            raise ValueError(f"no feature prepares {name}")
        handlers[name] = staticmethod(_handler(method, sender, preparations))
    servicer: CommandServiceServicer = type("CommandServicer", (CommandServiceServicer,), handlers)()
    return servicer


def _handler(method: MethodDescriptor, sender: CommandSender, preparations: Iterable[Preparation]) -> _Handler:
    name = command_name(method.name)
    if name not in CallRequest.DESCRIPTOR.fields_by_name:
        raise ValueError(f"gateways know no command {name}")
    answer = GetMessageClass(method.output_type)
    names_evse = {"evse", "evse_id"} <= set(method.input_type.fields_by_name)

    async def serve(request: Any, context: Context) -> Message:
        sent = type(request)()
        sent.CopyFrom(request)
        if names_evse:
            resolve_evse(sent)
        hooks = together([await prepare(sent, context) for prepare in preparations])
        return await sender.send(name, request, answer, context, sent=sent, hooks=hooks)

    return serve
