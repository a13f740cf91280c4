"""google.protobuf.Struct as the JSON that a person meant: protobuf keeps every number as a double.

See docs/DESIGN.md, "Contracts".
"""

from typing import Any

from google.protobuf import json_format, struct_pb2


def to_object(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A Struct as a JSON object in which whole numbers are integers again, as the OCPP schemas require."""
    restored = _restore_integers(json_format.MessageToDict(struct))
    assert isinstance(restored, dict)  # noqa: S101 - a Struct is an object
    return restored


def _restore_integers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _restore_integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_restore_integers(item) for item in value]
    return value
