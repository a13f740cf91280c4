"""Reading what can be read of a payload that breaks its schema. The same for every OCPP version."""

from typing import Any

from gateway.ocpp.tolerances import MAX_ID_TAG
from gateway.ocpp.values import clean


def readable_text(payload: Any, *path: str) -> str:
    """The text at a path of fields, which no schema has checked; empty where there is none, or none of any use."""
    value = payload
    for field in path:
        value = value.get(field) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_ID_TAG:
        return ""
    text: str = clean(value)
    return text
