"""Events as lines of a stream of server-sent events (HTML, "Server-sent events"), in the body that REST callers get."""

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from mesh.runtime.errors import MeshError
from notification_svc.messages import to_message
from notification_svc.store import StoredEvent

MEDIA_TYPE = "text/event-stream"
# A browser connects again after so many milliseconds.
_RETRY_MS = 2000
ERROR = "error"


def opening() -> HttpBody:
    """The beginning: sent at once, since headers leave the front door with the first bytes of the body."""
    return _body(f": open\nretry: {_RETRY_MS}\n\n")


def keepalive() -> HttpBody:
    """A comment, which readers pass over."""
    return _body(": keepalive\n\n")


def event(stored: StoredEvent) -> HttpBody:
    """One event."""
    # Types are words of this system; a line's end in one would be a line of the stream.
    kind = " ".join(stored.type.split())
    return _body(f"id: {stored.cursor}\nevent: {kind}\ndata: {_json(to_message(stored))}\n\n")


def failure(error: MeshError) -> HttpBody:
    """The end of a stream that fails: the status has been sent by then. It has no id, so that none is passed over."""
    return _body(f"event: {ERROR}\ndata: {_json(error.to_status())}\n\n")


def _json(message: Message) -> str:
    return MessageToJson(message, indent=None, ensure_ascii=False, always_print_fields_with_no_presence=True)


def _body(text: str) -> HttpBody:
    return HttpBody(content_type=MEDIA_TYPE, data=text.encode())
