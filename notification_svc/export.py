"""The tables of notification_svc as a tenant's export has them."""

from base64 import b64decode
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from mesh.tenant_export import ExportedTables
from notification_svc.models import metadata


def _data(stored: str) -> Any:
    return MessageToDict(Struct.FromString(b64decode(stored)))


EXPORTED = ExportedTables(
    metadata=metadata,
    left_out=("driver_erasure_progress", "stream", "fanout", "watch_ticket"),
    decoded={"event.data": _data},
    orders={"event": ("cursor",)},
)
