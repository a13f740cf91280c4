"""StationService: stations as operators see them, between protobuf and rows."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from csms.common.v1 import evse_pb2
from csms.station.v1 import station_pb2, station_service_pb2
from csms.station.v1.station_service_pb2_grpc import StationServiceServicer
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.database import pages
from mesh.database.engine import Database
from mesh.database.filters import choice, to_condition
from mesh.database.pages import Page
from mesh.grpc.types import Context
from mesh.identity.callers import Caller, Scope, current_caller, current_scope
from mesh.placements.conditions import both
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import Clock, to_timestamp
from station_svc.api import change_store, summary_store
from station_svc.api.additions import StationAdditions
from station_svc.api.newcomers import check_display_name, check_profile
from station_svc.api.resource import to_station, to_summary
from station_svc.commands.gateways import station_offline
from station_svc.commands.socket_closer import SocketCloser
from station_svc.core import placement_store
from station_svc.core import station_store as store
from station_svc.core.labels import check_labels
from station_svc.core.lists import FRAME_KEY, page_of, storable
from station_svc.core.placement_store import PlacementChange
from station_svc.core.reports import Status
from station_svc.core.rows import ACCEPTED
from station_svc.core.serial_numbers import MOST_CHARACTERS, is_serial_number
from station_svc.core.site_store import storable_site
from station_svc.core.socket_store import find_socket
from station_svc.core.station_rows import Socket
from station_svc.features.availability.report_store import list_status_reports
from station_svc.features.credentials import first_delivery
from station_svc.features.credentials import store as credential_store
from station_svc.features.credentials.rotation import CredentialRotation
from station_svc.features.data_transfer.rows import Transfer
from station_svc.features.data_transfer.transfer_store import list_data_transfers
from station_svc.features.device_model import variable_store
from station_svc.features.device_model.variables import to_variable
from station_svc.features.message_log import message_store
from station_svc.features.message_log.rows import MessageRow

T = TypeVar("T")

# WebSocket close codes: "policy violation", the station is not welcome any more; "service restart", it is to come back.
UNWELCOME_CLOSE_CODE = 1008
RECONNECT_CLOSE_CODE = 1012
# The versions that gateways speak, and "" for any of them.
_VERSIONS = ("", "1.6", "2.0.1")
_DIRECTIONS = {
    "RECEIVED": station_pb2.MESSAGE_DIRECTION_RECEIVED,
    "SENT": station_pb2.MESSAGE_DIRECTION_SENT,
    "MESSAGE_DIRECTION_RECEIVED": station_pb2.MESSAGE_DIRECTION_RECEIVED,
    "MESSAGE_DIRECTION_SENT": station_pb2.MESSAGE_DIRECTION_SENT,
}
# Of a message: its time, and the frame.
_MESSAGE_KEY = (int, *FRAME_KEY)
_MUTABILITY = choice(dict(station_pb2.Mutability.items()), "MUTABILITY_")
_VARIABLE_KEY = (str, str, str, int, int, str, str)


class StationServicer(StationServiceServicer):
    """StationService, for operators. A station of another tenant does not exist for them.

    `hands_over`: whether a credential is delivered to stations of a tenant that are accepted. `notify_transactions`:
    whether a job notifies transaction_svc of removed stations. `present`: the tables whose rows are removed with their
    station.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        closer: SocketCloser,
        rotation: CredentialRotation,
        additions: StationAdditions,
        present: Sequence[sa.Table],
        notify_transactions: bool,
        hands_over: Callable[[str], bool],
    ) -> None:
        self._database = database
        self._clock = clock
        self._closer = closer
        self._rotation = rotation
        self._additions = additions
        self._present = present
        self._notify_transactions = notify_transactions
        self._hands_over = hands_over

    async def CreateStation(
        self, request: station_service_pb2.CreateStationRequest, context: Context
    ) -> station_service_pb2.CreateStationResponse:
        """Adds a station, with the credential that it has or one that is made for it."""
        del context
        credential = await self._additions.add(request)
        station = await self._read(request.station_id)
        return station_service_pb2.CreateStationResponse(station=station, credential=credential)

    async def ImportStations(
        self, request: station_service_pb2.ImportStationsRequest, context: Context
    ) -> station_service_pb2.ImportStationsResponse:
        """Adds the stations of a table."""
        del context
        return await self._additions.add_table(request)

    async def GetStation(
        self, request: station_service_pb2.GetStationRequest, context: Context
    ) -> station_service_pb2.GetStationResponse:
        """Reads one station."""
        del context
        return station_service_pb2.GetStationResponse(station=await self._read(request.station_id))

    async def ListStations(
        self, request: station_service_pb2.ListStationsRequest, context: Context
    ) -> station_service_pb2.ListStationsResponse:
        """Lists stations, by id or in the order that is asked for."""
        del context
        now_us = self._clock()
        tenant_id = current_caller().tenant_id
        wanted = to_condition(request.filter, store.station_filters(tenant_id, now_us))
        condition = both(wanted, placement_store.conditions(tenant_id).in_scope(current_scope()))
        order = store.station_order(request.order_by, now_us)
        binding = f"{request.filter}\n{request.order_by}" if request.order_by else request.filter
        page = pages.page_of(request, order.types, binding=binding, condition=condition)
        read = partial(store.list_stations, tenant_id=tenant_id, now_us=now_us, order=order, page=page)
        rows, token = page.cut(await self._database.read(read), lambda row: row[1])
        stations = [to_station(row) for row, _place in rows]
        return station_service_pb2.ListStationsResponse(stations=stations, next_page_token=token)

    async def GetStationSummary(
        self, request: station_service_pb2.GetStationSummaryRequest, context: Context
    ) -> station_service_pb2.GetStationSummaryResponse:
        """Counts stations and connectors by their present state."""
        del context
        now_us = self._clock()
        tenant_id = current_caller().tenant_id
        wanted = to_condition(request.filter, store.station_filters(tenant_id, now_us))
        condition = both(wanted, placement_store.conditions(tenant_id).in_scope(current_scope()))
        summary = await self._database.read(
            lambda connection: summary_store.sum_up(connection, tenant_id, now_us=now_us, condition=condition)
        )
        return station_service_pb2.GetStationSummaryResponse(summary=to_summary(summary))

    async def UpdateStation(
        self, request: station_service_pb2.UpdateStationRequest, context: Context
    ) -> station_service_pb2.UpdateStationResponse:
        """Changes the named fields of a station; one that is accepted no more has its socket closed.

        It comes back, and is held to its new status: a session keeps the one it began with.
        """
        del context
        station = request.station
        if not station.station_id:
            raise invalid_field("station.station_id", "is required")
        paths = _expanded(list(request.update_mask.paths) or [name for name in _ALL_CHANGES if _is_set(station, name)])
        update = partial(
            _update,
            station_id=storable(station.station_id),
            values={path: _change(path, station) for path in paths if path not in _OF_PLACEMENTS},
            placement=_placement_change(station, paths),
            caller=current_caller(),
            scope=current_scope(),
            now_us=self._clock(),
            hands_over=self._hands_over(current_caller().tenant_id),
        )
        for socket in await self._database.write(update):
            self._closer.close_soon(socket, UNWELCOME_CLOSE_CODE, "this station is not accepted any more")
        return station_service_pb2.UpdateStationResponse(station=await self._read(station.station_id))

    async def DeleteStation(
        self, request: station_service_pb2.DeleteStationRequest, context: Context
    ) -> station_service_pb2.DeleteStationResponse:
        """Removes a station, and has its socket closed."""
        del context
        delete = partial(
            change_store.delete_station,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            present=self._present,
            notify_transactions=self._notify_transactions,
            now_us=self._clock(),
        )
        for socket in await self._database.write(delete):
            self._closer.close_soon(socket, UNWELCOME_CLOSE_CODE, "this station was removed")
        return station_service_pb2.DeleteStationResponse()

    async def RotateCredential(
        self, request: station_service_pb2.RotateCredentialRequest, context: Context
    ) -> station_service_pb2.RotateCredentialResponse:
        """Makes new credentials for a station; one that needed none needs them from now on."""
        if request.hand_over:
            return await self._rotation.hand_over(request, context)
        return await self._rotation.replace(storable(request.station_id))

    async def CloseConnection(
        self, request: station_service_pb2.CloseConnectionRequest, context: Context
    ) -> station_service_pb2.CloseConnectionResponse:
        """Has a station's socket closed, so that it reconnects."""
        del context
        tenant_id, now_us = current_caller().tenant_id, self._clock()
        close = partial(_close, tenant_id=tenant_id, station_id=storable(request.station_id), now_us=now_us)
        socket = await self._database.write(close)
        if socket is None:
            raise station_offline(request.station_id, "no gateway holds its socket")
        self._closer.close_soon(socket, RECONNECT_CLOSE_CODE, "closed by an operator: connect again")
        return station_service_pb2.CloseConnectionResponse(epoch=socket.epoch)

    async def ListStatusReports(
        self, request: station_service_pb2.ListStatusReportsRequest, context: Context
    ) -> station_service_pb2.ListStatusReportsResponse:
        """Lists the statuses a station reported, newest first."""
        del context
        page = page_of(request, FRAME_KEY)
        rows = await self._list(list_status_reports, request.station_id, page)
        rows, token = page.cut(rows, lambda row: row.frame.version)
        return station_service_pb2.ListStatusReportsResponse(
            status_reports=map(_to_status_report, rows), next_page_token=token
        )

    async def ListVariables(
        self, request: station_service_pb2.ListVariablesRequest, context: Context
    ) -> station_service_pb2.ListVariablesResponse:
        """Lists the variables of a station as last read or set, by name."""
        del context
        condition = to_condition(request.filter, variable_store.variable_filters(_MUTABILITY))
        page = page_of(request, _VARIABLE_KEY, default=200, condition=condition)
        rows = await self._list(variable_store.list_variables, request.station_id, page)
        rows, token = page.cut(rows, lambda row: row.key)
        return station_service_pb2.ListVariablesResponse(variables=map(to_variable, rows), next_page_token=token)

    async def ListMessages(
        self, request: station_service_pb2.ListMessagesRequest, context: Context
    ) -> station_service_pb2.ListMessagesResponse:
        """Lists the frames that crossed a station's socket, newest first."""
        del context
        condition = to_condition(request.filter, message_store.message_filters(_DIRECTIONS))
        page = page_of(request, _MESSAGE_KEY, condition=condition)
        rows = await self._list(message_store.list_messages, request.station_id, page)
        rows, token = page.cut(rows, lambda row: row.key, text=lambda row: row.payload)
        messages = [_to_message(request.station_id, row) for row in rows]
        return station_service_pb2.ListMessagesResponse(messages=messages, next_page_token=token)

    async def ListDataTransfers(
        self, request: station_service_pb2.ListDataTransfersRequest, context: Context
    ) -> station_service_pb2.ListDataTransfersResponse:
        """Lists the data transfers a station sent, newest first."""
        del context
        page = page_of(request, FRAME_KEY)
        rows = await self._list(list_data_transfers, request.station_id, page)
        rows, token = page.cut(rows, lambda row: row.frame.version, text=lambda row: row.data)
        return station_service_pb2.ListDataTransfersResponse(
            data_transfers=map(_to_data_transfer, rows), next_page_token=token
        )

    async def _read(self, station_id: str) -> station_pb2.Station:
        tenant_id, now_us = current_caller().tenant_id, self._clock()
        row = await self._database.read(
            lambda connection: store.get_station(
                connection, tenant_id=tenant_id, station_id=storable(station_id), now_us=now_us
            )
        )
        return to_station(row)

    async def _list(self, read: Callable[..., T], station_id: str, page: Page) -> T:
        tenant_id = current_caller().tenant_id

        def work(connection: Connection) -> T:
            return read(connection, tenant_id=tenant_id, station_id=storable(station_id), page=page)

        return await self._database.read(work)


def _update(
    connection: Connection,
    *,
    station_id: str,
    values: Mapping[str, str | int],
    placement: PlacementChange | None,
    caller: Caller,
    scope: Scope,
    now_us: int,
    hands_over: bool,
) -> Sequence[Socket]:
    """Changes a station, and its placement; a credential is delivered to one that becomes accepted and has none."""
    names = {"tenant_id": caller.tenant_id, "station_id": station_id}
    before = credential_store.find_credential_status(connection, **names)
    sockets = change_store.update_station(connection, **names, values=values, now_us=now_us)
    accepts = values.get("registration_status") == ACCEPTED and before is not None and not before.is_accepted
    if hands_over and accepts:
        first_delivery.queue(connection, **names, username=caller.username, now_us=now_us)
    if placement is not None:
        placement_store.place_stations(
            connection, [placement], tenant_id=caller.tenant_id, scope=scope, username=caller.username, now_us=now_us
        )
    return sockets


def _close(connection: Connection, *, tenant_id: str, station_id: str, now_us: int) -> Socket | None:
    """The socket of a station, which an operator closes."""
    socket = find_socket(connection, tenant_id=tenant_id, station_id=station_id, now_us=now_us)
    if socket is not None:
        audit.acted(
            connection,
            tenant_id=tenant_id,
            resource_type="station_connection",
            resource=str(socket.epoch),
            station_id=station_id,
            time_us=now_us,
        )
    return socket


# --- requests ------------------------------------------------------------------------------------------------------


def _is_set(station: station_pb2.Station, name: str) -> bool:
    return bool(getattr(station, name))


def _expanded(paths: list[str]) -> list[str]:
    """The fields of a mask; "*" means all that can be changed (AIP-161)."""
    return list(_ALL_CHANGES) if paths == ["*"] else paths


def _placement_change(station: station_pb2.Station, paths: Sequence[str]) -> PlacementChange | None:
    """The new placement of a station, where it is given one. Raises MeshError INVALID_FIELD."""
    if not _OF_PLACEMENTS.intersection(paths):
        return None
    return PlacementChange(
        station_id=station.station_id,
        site_id=storable_site(station.site_id) if "site_id" in paths else None,
        labels=check_labels("station.labels", station.labels) if "labels" in paths else None,
    )


def _change(path: str, station: station_pb2.Station) -> str | int:
    """The new value of one field. Raises MeshError INVALID_FIELD."""
    check = _CHANGES.get(path)
    if check is None:
        raise invalid_field("update_mask", f"{path!r} cannot be changed; these can: {', '.join(_ALL_CHANGES)}")
    return check(f"station.{path}", getattr(station, path))


def _registration_status(field: str, value: int) -> int:
    if value not in station_pb2.RegistrationStatus.values() or not value:
        raise invalid_field(field, "one of ACCEPTED, PENDING, REJECTED is needed")
    return value


def _version(field: str, value: str) -> str:
    if value not in _VERSIONS:
        raise invalid_field(field, f"one of {', '.join(filter(None, _VERSIONS))} is needed, or nothing for any")
    return value


def _serial_number(field: str, value: str) -> str:
    if value and not is_serial_number(value):
        raise invalid_field(field, f"up to {MOST_CHARACTERS} printable ASCII characters without * are needed")
    return value


_CHANGES: Mapping[str, Callable[[str, Any], str | int]] = {
    "registration_status": _registration_status,
    "display_name": check_display_name,
    "security_profile": check_profile,
    "pinned_ocpp_version": _version,
    "expected_serial_number": _serial_number,
}
# Fields that are not columns of the station's own row.
_OF_PLACEMENTS = frozenset({"site_id", "labels"})
_ALL_CHANGES = (*_CHANGES, *sorted(_OF_PLACEMENTS))


# --- answers -------------------------------------------------------------------------------------------------------


def _to_status_report(row: Status) -> station_pb2.StatusReport:
    return station_pb2.StatusReport(
        evse=evse_pb2.EvseRef(evse_id=row.evse_id, connector_id=row.connector_id),
        status=station_pb2.ConnectorStatus.ValueType(row.status),
        reported_status=row.reported_status,
        error_code=row.error_code,
        info=row.info,
        vendor_id=row.vendor_id,
        vendor_error_code=row.vendor_error_code,
        status_time=None if row.status_us is None else to_timestamp(row.status_us),
        receive_time=to_timestamp(row.frame.receive_us),
    )


def _to_message(station_id: str, row: MessageRow) -> station_pb2.Message:
    return station_pb2.Message(
        station_id=station_id,
        direction=station_pb2.MessageDirection.ValueType(row.direction),
        message_type=row.message_type,
        message_id=row.message_id,
        action=row.action,
        payload=row.payload,
        epoch=row.epoch,
        ordinal=row.ordinal,
        message_time=to_timestamp(row.message_us),
    )


def _to_data_transfer(row: Transfer) -> station_service_pb2.DataTransfer:
    return station_service_pb2.DataTransfer(
        vendor_id=row.vendor_id,
        message_id=row.message_id,
        data=row.data,
        receive_time=to_timestamp(row.frame.receive_us),
    )
