"""Records the results of local-list commands in a station's list, for operators and jobs alike."""

from csms.common.v1 import id_token_pb2
from csms.station.v1 import local_list_pb2
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.runtime.errors import MeshError
from mesh.runtime.times import from_timestamp, to_timestamp
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import NewCommand
from station_svc.features.local_lists import store
from station_svc.features.local_lists.parts import Entry, Part, apply
from station_svc.features.local_lists.store import UNFIT, DroppedToken


class RememberVersion(CommandHooks):
    """Stores the version that a station reports."""

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Its entries are known if the version is the one that it accepted from here."""
        if not isinstance(outcome, local_list_pb2.GetLocalListVersionResponse):
            return
        row = store.lock(connection, new.tenant_id, new.station_id)
        if row is not None:
            store.update(
                connection, row, version=outcome.version_number if outcome.HasField("version_number") else None
            )


class RememberList(CommandHooks):
    """Keeps what a station holds after it was sent `request`."""

    def __init__(self, request: local_list_pb2.SendLocalListRequest) -> None:
        self._request = request

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Rejected, or partly applied: its entries are no longer known. No answer: its version will show."""
        if not isinstance(outcome, local_list_pb2.SendLocalListResponse):
            return
        row = store.lock(connection, new.tenant_id, new.station_id)
        if row is None:
            return
        if outcome.status != local_list_pb2.SEND_LOCAL_LIST_STATUS_ACCEPTED:
            store.update(connection, row, version=None, entries_version=None)
            return
        part = to_part(self._request, dropped=set(outcome.left_out_id_tokens))
        held = {} if part.full else row.held
        version = self._request.version_number
        if held is None:  # a change to what was not known
            store.update(connection, row, version=version, entries_version=None)
            return
        store.set_entries(connection, row, version=version, entries=apply(part, held))
        unfit = [token for token in row.dropped_tokens if token.id_token not in outcome.left_out_id_tokens]
        unfit += [DroppedToken(id_token, UNFIT) for id_token in outcome.left_out_id_tokens]
        full = row.full and not part.full
        store.update(connection, row, full=full, left_out=store.encode_dropped(unfit))


def to_part(request: local_list_pb2.SendLocalListRequest, *, dropped: set[str]) -> Part:
    """The change that a request makes to a list."""
    taken = [entry for entry in request.entries if entry.id_token.id_token not in dropped]
    return Part(
        full=request.update_type == local_list_pb2.LOCAL_LIST_UPDATE_TYPE_FULL,
        put=[to_entry(entry.id_token, entry.id_token_info) for entry in taken if entry.HasField("id_token_info")],
        removed=[
            to_entry(entry.id_token, entry.id_token_info) for entry in taken if not entry.HasField("id_token_info")
        ],
    )


def to_request(station_id: str, version: int, part: Part) -> local_list_pb2.SendLocalListRequest:
    """The request that sends a part."""
    kind = (
        local_list_pb2.LOCAL_LIST_UPDATE_TYPE_FULL if part.full else local_list_pb2.LOCAL_LIST_UPDATE_TYPE_DIFFERENTIAL
    )
    removed = [
        local_list_pb2.LocalListEntry(id_token=id_token_pb2.IdToken(id_token=one.id_token, type=one.type))
        for one in part.removed
    ]
    return local_list_pb2.SendLocalListRequest(
        station_id=station_id, version_number=version, update_type=kind, entries=[*removed, *map(to_message, part.put)]
    )


def to_entry(token: id_token_pb2.IdToken, info: id_token_pb2.IdTokenInfo) -> Entry:
    """An entry as it is kept."""
    return Entry(
        id_token=token.id_token,
        type=token.type,
        status=info.status,
        expire_us=from_timestamp(info.cache_expire_time) if info.HasField("cache_expire_time") else None,
        group=info.group_id_token.id_token,
    )


def to_message(entry: Entry) -> local_list_pb2.LocalListEntry:
    """An entry as it is sent and shown."""
    info = id_token_pb2.IdTokenInfo(status=id_token_pb2.AuthorizationStatus.ValueType(entry.status))
    if entry.expire_us is not None:
        info.cache_expire_time.CopyFrom(to_timestamp(entry.expire_us))
    if entry.group:
        # Groups are made in the CSMS, which is the meaning of the type Central.
        info.group_id_token.CopyFrom(id_token_pb2.IdToken(id_token=entry.group, type="Central"))
    return local_list_pb2.LocalListEntry(
        id_token=id_token_pb2.IdToken(id_token=entry.id_token, type=entry.type), id_token_info=info
    )
