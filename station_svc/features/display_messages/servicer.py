"""DisplayMessageService: messages on displays as operators read them, between protobuf and rows."""

from collections.abc import Sequence
from functools import partial

from csms.station.v1 import display_message_pb2, station_pb2
from csms.station.v1 import display_message_service_pb2 as pb
from csms.station.v1.display_message_service_pb2_grpc import DisplayMessageServiceServicer
from google.protobuf import json_format
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.database.filters import choice, to_condition
from mesh.database.pages import Page
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.times import Clock, to_timestamp
from station_svc.core.lists import page_of, storable
from station_svc.features.display_messages import store
from station_svc.features.display_messages.rows import MessageRow
from station_svc.features.display_messages.rules import REPORT
from station_svc.partial_reports import store as report_store
from station_svc.partial_reports.recording import to_message
from station_svc.partial_reports.rows import PartialReportRow

_STATE = choice(dict(pb.DisplayMessageState.items()), "DISPLAY_MESSAGE_STATE_")
_PRIORITY = choice(dict(display_message_pb2.MessagePriority.items()), "MESSAGE_PRIORITY_")


class DisplayMessageServicer(DisplayMessageServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def ListDisplayMessages(
        self, request: pb.ListDisplayMessagesRequest, context: Context
    ) -> pb.ListDisplayMessagesResponse:
        """Lists the messages of a station, newest first, and its latest report of them."""
        del context
        now_us = self._clock()
        condition = to_condition(request.filter, store.filters(now_us, _STATE, _PRIORITY))
        page = page_of(request, (int,), condition=condition)
        read = partial(_read, tenant_id=current_caller().tenant_id, station_id=storable(request.station_id), page=page)
        found, report = await self._database.read(read)
        rows, token = page.cut(found, lambda row: (row.number,))
        return pb.ListDisplayMessagesResponse(
            display_messages=[_to_message(row.after(now_us)) for row in rows],
            next_page_token=token,
            latest_report=None if report is None else to_message(report, now_us),
        )


def _read(
    connection: Connection, *, tenant_id: str, station_id: str, page: Page
) -> tuple[Sequence[MessageRow], PartialReportRow | None]:
    rows = store.list_messages(connection, tenant_id=tenant_id, station_id=station_id, page=page)
    return rows, report_store.latest(connection, tenant_id=tenant_id, station_id=station_id, kind=REPORT)


def _to_message(row: MessageRow) -> pb.StationDisplayMessage:
    message = display_message_pb2.DisplayMessage(
        display_message_id=row.message_id,
        priority=display_message_pb2.MessagePriority.ValueType(row.priority),
        shown_state=display_message_pb2.MessageState.ValueType(row.shown_state),
        start_time=None if row.start_us is None else to_timestamp(row.start_us),
        end_time=None if row.end_us is None else to_timestamp(row.end_us),
        transaction_id=row.transaction_id,
        format=display_message_pb2.MessageFormat.ValueType(row.format),
        language=row.language,
        content=row.content,
    )
    if row.display:
        message.display.CopyFrom(json_format.Parse(row.display, station_pb2.Variable(), ignore_unknown_fields=True))
    return pb.StationDisplayMessage(
        station_id=row.station_id,
        message=message,
        state=pb.DisplayMessageState.ValueType(row.state),
        answer=display_message_pb2.DisplayMessageStatus.ValueType(row.answer),
        station_made=bool(row.station_made),
        create_time=to_timestamp(row.create_us),
        update_time=to_timestamp(row.update_us),
    )
