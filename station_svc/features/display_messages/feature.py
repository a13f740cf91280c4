"""Registers messages on displays with the service."""

from functools import partial

from csms.station.v1 import display_message_pb2 as pb
from csms.station.v1.display_message_service_pb2_grpc import add_DisplayMessageServiceServicer_to_server

from mesh.contract.requests import check_text
from mesh.driver_tables import DriverTable, reworded
from mesh.grpc.types import Context
from mesh.runtime.errors import invalid_field
from station_svc.commands.hooks import CommandHooks
from station_svc.core.storage import Retention, Storage
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.display_messages import rules, store
from station_svc.features.display_messages.models import display_message
from station_svc.features.display_messages.servicer import DisplayMessageServicer

_MOST_CONTENT, _MOST_TEXT = 1024, 255
# The years 1 to 9999, which a station reads and the database holds.
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799


def _build(resources: Resources) -> FeatureParts:
    servicer = DisplayMessageServicer(database=resources.database, clock=resources.clock)
    return FeatureParts(
        operator=[partial(add_DisplayMessageServiceServicer_to_server, servicer)],
        commands={
            "SetDisplayMessage": _set_message,
            "GetDisplayMessages": _get_messages,
            "ClearDisplayMessage": _clear_message,
        },
    )


async def _set_message(sent: pb.SetDisplayMessageRequest, _context: Context | None) -> CommandHooks:
    message = sent.message
    check_text("message.content", message.content, most=_MOST_CONTENT)
    for name in ("transaction_id", "language"):
        check_text(f"message.{name}", getattr(message, name), most=_MOST_TEXT)
    for name in ("component", "component_instance"):
        check_text(f"message.display.{name}", getattr(message.display, name), most=_MOST_TEXT)
    for name in ("start_time", "end_time"):
        if not _FIRST_S <= getattr(message, name).seconds <= _LAST_S:
            raise invalid_field(f"message.{name}", "is no time of the years 1 to 9999")
    return rules.SetMessage(message)


async def _get_messages(sent: pb.GetDisplayMessagesRequest, _context: Context | None) -> CommandHooks:
    return rules.RequestMessages(sent)


async def _clear_message(sent: pb.ClearDisplayMessageRequest, _context: Context | None) -> CommandHooks:
    return rules.ClearMessage(sent.display_message_id)


FEATURE = Feature(
    storage=Storage(
        present=[display_message],
        retention=[Retention(name="DISPLAY_MESSAGE", days=90, removals=[store.remove_old])],
        drivers=[DriverTable(table=display_message, decide=reworded("content"))],
    ),
    reports={"display_messages": rules.record},
    build=_build,
)
