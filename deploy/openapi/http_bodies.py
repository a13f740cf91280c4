"""Methods whose REST answer is no message but text of another form (google.api.HttpBody)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.openapi.schemas import reference


@dataclass(frozen=True, kw_only=True)
class HttpBody:
    """The answer of such a method."""

    media_type: str
    schema: Mapping[str, Any]
    example: Any


_KEY = {
    "type": "object",
    "description": "A public key (RFC 7517), of the curve P-256.",
    "properties": {name: {"type": "string"} for name in ("kty", "crv", "x", "y", "kid", "alg", "use")},
    "required": ["kty", "crv", "x", "y", "kid"],
    "additionalProperties": True,
}
_EVENT_TEXT = 'id: 1042\nevent: station.booted\ndata: {"eventId":"station.booted:CP001:7","cursor":"1042"}\n\n'

_ROWS = HttpBody(
    media_type="application/x-ndjson",
    schema={"type": "string", "description": "A row in JSON on each line: its table and its columns."},
    example='{"table":"station","row":{"tenant_id":"default","station_id":"CP001"}}\n',
)
_EXPORTS = [
    f"csms.{package}.v1.DataExportService/Export{what}Data"
    for package in ("auth", "event", "station", "transaction")
    for what in ("Tenant", "Driver")
]

HTTP_BODIES: Mapping[str, HttpBody] = {
    "csms.auth.v1.UserService/GetKeySet": HttpBody(
        media_type="application/json",
        schema={"type": "object", "properties": {"keys": {"type": "array", "items": _KEY}}, "required": ["keys"]},
        example={"keys": [{"kty": "EC", "crv": "P-256", "x": "bG9uZw", "y": "dGV4dA", "kid": "2026-12-01"}]},
    ),
    "csms.audit.v1.AuditService/ExportAuditEntries": HttpBody(
        media_type="application/x-ndjson",
        schema={
            "type": "string",
            "description": "An AuditEntry in JSON on each line.",
            "x-lineSchema": reference("audit.v1.AuditEntry"),
        },
        example='{"source":"auth","sequence":"1","action":"csms.auth.v1.UserService/Login","outcome":"OK"}\n',
    ),
    "csms.event.v1.EventService/StreamEvents": HttpBody(
        media_type="text/event-stream",
        schema={
            "type": "string",
            "description": "Server-sent events: the cursor as `id`, the type as `event`, an Event in JSON as `data`.",
            "x-dataSchema": reference("event.v1.Event"),
        },
        example=_EVENT_TEXT,
    ),
    **dict.fromkeys(_EXPORTS, _ROWS),
}
