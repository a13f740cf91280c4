"""Commands made from the contract itself: the least and the most that a version's translator takes, and every word.

A translator names the field that it does not take; that field is given its next value until the command can be said.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from csms.gateway.v1.gateway_service_pb2 import CallRequest
from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from tests import certificates

# Fields of every command for station_svc's own use.
_NOT_SAID = frozenset({"station_id", "request_id", "timeout_s", "send_unknown"})
_DEEPEST = 6
_MOST_CHANGES = 2_000
_TEXTS = (
    *("é" * length for length in (2_500, 1_000, 512, 255, 128, 50, 36, 25, 20)),
    "https://example.org/file",
    "Central",
    "1",
)
_NUMBERS = (2**31 - 1, 3_600, 1)
# Texts that are more to station_svc than text.
_CERTIFICATE = certificates.authority("Root").pem
_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
_BY_FIELD = {
    "csms.station.v1.CertificateSignedRequest.certificate_chain": (_CERTIFICATE,),
    "csms.station.v1.InstallCertificateRequest.certificate": (_CERTIFICATE,),
    "csms.station.v1.PublishFirmwareRequest.checksum": (_MD5,),
    "csms.station.v1.UnpublishFirmwareRequest.checksum": (_MD5,),
}
# Messages that are set as a whole.
_WHOLE: dict[str, dict[str, Any]] = {
    "google.protobuf.Timestamp": {"seconds": 1_893_456_000},  # 2030-01-01
    "google.protobuf.Duration": {"seconds": 3_600},
    "google.protobuf.Struct": {"fields": {"key": {"string_value": "value"}}},
}

Path = tuple[str | int, ...]


class CannotBeSaidError(Exception):
    """The version cannot express the command, with any values of its fields."""


@dataclass
class _Leaf:
    """One value of a command. `at` counts through `values`; beyond them it is not set.

    One that was `given_up` has been tried with every value, and is not given up again for the sake of another field.
    """

    path: Path
    field: FieldDescriptor
    values: Sequence[Any]
    at: int = 0
    given_up: bool = False

    @property
    def is_set(self) -> bool:
        """Whether the command has it."""
        return 0 <= self.at < len(self.values)


class Maker:
    """Makes the commands of one name. `choose(command)` gives the outbound half of its route."""

    def __init__(self, name: str, choose: Callable[[Any], Outbound]) -> None:
        self._type = type(getattr(CallRequest(), name))
        self._choose = choose

    def minimal(self) -> Message:
        """Nothing but what the translator asks for, and that as small as it takes it."""
        leaves = list(_leaves(self._type.DESCRIPTOR, (), items=1))
        for leaf in leaves:
            leaf.at = len(leaf.values)
        for _ in range(_MOST_CHANGES):
            command = self._build(leaves)
            for field in command.DESCRIPTOR.fields:
                if field.message_type is not None and not field.is_repeated and _is_required(field):  # type: ignore[arg-type,unused-ignore]
                    getattr(command, field.name).SetInParent()
            refused = self._refused(command)
            if refused is None:
                return command
            _grow(leaves, refused)
        raise CannotBeSaidError(self._type.DESCRIPTOR.name)

    def maximal(self) -> Message:
        """Every field that the version can say, as large as it can say it; two of what may be several."""
        return self._build(self._largest())

    def every_word(self) -> Iterator[Message]:
        """The maximal command once for every word of each enumeration in it that the version has."""
        leaves = self._largest()
        for leaf in leaves:
            if leaf.is_set and leaf.field.enum_type is not None:
                chosen = leaf.at
                for at in range(len(leaf.values)):
                    leaf.at = at
                    command = self._build(leaves)
                    if self._refused(command) is None:
                        yield command
                leaf.at = chosen

    def calls(self, command: Message) -> Sequence[Payload]:
        """The payloads that carry out a command. Raises UnacceptableError."""
        return self._choose(command).to_calls(command)

    def _largest(self) -> list[_Leaf]:
        leaves = list(_leaves(self._type.DESCRIPTOR, (), items=2))
        for _ in range(_MOST_CHANGES):
            refused = self._refused(self._build(leaves))
            if refused is None:
                self._fill_again(leaves)
                return leaves
            _shrink(leaves, refused)
        raise CannotBeSaidError(self._type.DESCRIPTOR.name)

    def _fill_again(self, leaves: Sequence[_Leaf]) -> None:
        """Sets what was left out for the sake of another field."""
        for leaf in leaves:
            if not leaf.is_set:
                for at in range(len(leaf.values) + 1):
                    leaf.at = at
                    if self._refused(self._build(leaves)) is None:
                        break

    def _refused(self, command: Message) -> UnacceptableError | None:
        try:
            self.calls(command)
        except UnacceptableError as error:
            return error
        return None

    def _build(self, leaves: Sequence[_Leaf]) -> Message:
        command: Message = self._type()
        for leaf in leaves:
            if leaf.is_set:
                _set(command, leaf)
        return command


def _is_required(field: FieldDescriptor) -> bool:
    return field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]


def _leaves(descriptor: Descriptor, path: Path, *, items: int) -> Iterator[_Leaf]:
    chosen: set[str] = set()
    for field in descriptor.fields:
        if (not path and field.name in _NOT_SAID) or len(path) > 2 * _DEEPEST:
            continue
        if field.name == "evse" and "evse_id" in descriptor.fields_by_name:
            continue  # the same in two shapes: station_svc makes one of them, and gateways see evse_id alone
        oneof = field.containing_oneof
        if oneof is not None and len(oneof.fields) > 1:
            if oneof.name in chosen:
                continue
            chosen.add(oneof.name)
        for index in range(items if field.is_repeated else 1):
            here = (*path, field.name, index) if field.is_repeated else (*path, field.name)
            if field.message_type is None or field.message_type.full_name in _WHOLE:
                yield _Leaf(here, field, _values(field))
            else:
                yield from _leaves(field.message_type, here, items=items)


def _values(field: FieldDescriptor) -> Sequence[Any]:
    """Values for a field, the largest first."""
    if field.full_name in _BY_FIELD:
        return _BY_FIELD[field.full_name]
    if field.message_type is not None:
        return [_WHOLE[field.message_type.full_name]]
    if field.enum_type is not None:
        return [value.number for value in reversed(field.enum_type.values) if value.number]
    kinds = {
        FieldDescriptor.CPPTYPE_STRING: _TEXTS,
        FieldDescriptor.CPPTYPE_BOOL: (True,),
        FieldDescriptor.CPPTYPE_DOUBLE: (21.4, 1.0),
        FieldDescriptor.CPPTYPE_FLOAT: (21.4, 1.0),
    }
    values = kinds.get(field.cpp_type, _NUMBERS)
    return [text.encode() for text in _TEXTS] if field.type == FieldDescriptor.TYPE_BYTES else values


def _shrink(leaves: Sequence[_Leaf], refused: UnacceptableError) -> None:
    """Gives the last value under what was refused its next smaller one, in the end none."""
    path = _path(refused.field)
    found = [
        leaf for leaf in leaves if leaf.is_set and _is_under(leaf, path) and (leaf.path == path or not leaf.given_up)
    ]
    if found:
        found[-1].at += 1
        return
    missing = [leaf for leaf in leaves if leaf.path == path and not leaf.given_up]
    if not missing:
        raise CannotBeSaidError(f"{refused.field}: {refused}") from refused
    missing[0].at, missing[0].given_up = 0, True


def _grow(leaves: Sequence[_Leaf], refused: UnacceptableError) -> None:
    """Gives the first value under what was refused its next larger one; where that leads nowhere, another value."""
    path = _path(refused.field)
    while True:
        found = [leaf for leaf in leaves if not leaf.given_up and _is_under(leaf, path)]
        if found:
            found[0].at -= 1
            if found[0].at >= 0:
                return
            found[0].at, found[0].given_up = len(found[0].values), True
        if not path:
            raise CannotBeSaidError(f"{refused.field}: {refused}") from refused
        path = path if found[1:] else path[:-1]


def _is_under(leaf: _Leaf, path: Path) -> bool:
    return leaf.path[: len(path)] == path


def _path(text: str) -> Path:
    steps: list[str | int] = []
    for part in text.split("."):
        name, *indexes = part.replace("]", "").split("[")
        steps += [name, *(int(index) for index in indexes)]
    return tuple(steps)


def _set(command: Any, leaf: _Leaf) -> None:
    value, place, steps = leaf.values[leaf.at], command, list(leaf.path)
    index = steps.pop() if isinstance(steps[-1], int) else None
    name = str(steps.pop())
    for step in steps:
        if isinstance(step, str):
            place = getattr(place, step)
            continue
        while len(place) <= step:
            place.add()
        place = place[step]
    if leaf.field.message_type is None and index is None:
        setattr(place, name, value)
        return
    target = getattr(place, name)
    if leaf.field.message_type is None:
        target.append(value)
    elif index is None:
        target.CopyFrom(type(target)(**value))
    else:
        target.add(**value)
