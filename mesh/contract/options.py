"""Options of the contract (csms/options/v1/options.proto): facts about services, methods and enumerations.

They are read from descriptors, so that no table in the code repeats them. None has a default: a missing option is
a ContractError. The module does not import grpc, because translators depend on it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from csms.options.v1 import options_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from mesh.runtime.startup_errors import ContractError

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

V = TypeVar("V", bound=int)


def check_audience(files: FileDescriptorSet, services: Iterable[str], audience: options_pb2.Audience.ValueType) -> None:
    """Raises ContractError where one of `services` is for other callers, or does not exist."""
    known = dict(_services(files))
    faults = []
    for name in services:
        if name not in known:
            faults.append(f"{name}: the contract has no such service")
        elif known[name].options.Extensions[options_pb2.audience] != audience:
            faults.append(f"{name}: its audience is not {options_pb2.Audience.Name(audience)}")
    _raise_if_any(faults)


def access_of(files: FileDescriptorSet, services: Iterable[str]) -> dict[str, options_pb2.Access]:
    """The access of each method of these services for operators, by its full name: `/package.Service/Method`.

    Raises ContractError for a service of another audience, and for a method that does not state its access.
    """
    wanted = tuple(services)
    check_audience(files, wanted, options_pb2.AUDIENCE_OPERATORS)
    known = dict(_services(files))
    methods = [(f"{name}/{method.name}", method) for name in wanted for method in known[name].method]
    requests = _requests(files)
    _raise_if_any(fault for name, method in methods for fault in _access_faults(name, method, requests))
    return {f"/{name}": method.options.Extensions[options_pb2.access] for name, method in methods}


def audit_of(files: FileDescriptorSet, services: Iterable[str]) -> dict[str, options_pb2.Audit.ValueType]:
    """The audit of each method of these services for operators, by its full name: `/package.Service/Method`.

    Raises ContractError for a method that does not state it.
    """
    known = dict(_services(files))
    methods = [(f"{name}/{method.name}", method) for name in services for method in known[name].method]
    _raise_if_any(fault for name, method in methods for fault in _audit_faults(name, method))
    return {f"/{name}": method.options.Extensions[options_pb2.audit] for name, method in methods}


def callers_of(files: FileDescriptorSet, services: Iterable[str]) -> dict[str, frozenset[str]]:
    """The parts that may call each method of these services of the mesh, by its full name: `/package.Service/Method`.

    A part is named as in MESH_SERVICES: PART_GATEWAY is `gateway`. Raises ContractError for a service of another
    audience, and for a method that does not state its callers.
    """
    wanted = tuple(services)
    check_audience(files, wanted, options_pb2.AUDIENCE_MESH)
    known = dict(_services(files))
    methods = [(f"{name}/{method.name}", method) for name in wanted for method in known[name].method]
    _raise_if_any(fault for name, method in methods for fault in _caller_faults(name, method))
    return {f"/{name}": frozenset(map(part_name, _callers(method))) for name, method in methods}


def part_name(part: options_pb2.Part.ValueType) -> str:
    """The name of a part in settings, tokens and MESH_SERVICES."""
    return options_pb2.Part.Name(part).removeprefix("PART_").lower()


def contract_faults(files: FileDescriptorSet) -> list[str]:
    """Options that are missing or contradictory in the project's own files, one line each."""
    faults, requests = [], _requests(files)
    for name, service in _services(files):
        audience = service.options.Extensions[options_pb2.audience]
        if audience == options_pb2.AUDIENCE_UNSPECIFIED:
            faults.append(f"{name}: states no audience")
        for method in service.method:
            if audience == options_pb2.AUDIENCE_OPERATORS:
                faults += _access_faults(f"{name}/{method.name}", method, requests)
                faults += _audit_faults(f"{name}/{method.name}", method)
            else:
                faults += _operator_option_faults(f"{name}/{method.name}", method)
            if audience == options_pb2.AUDIENCE_MESH:
                faults += _caller_faults(f"{name}/{method.name}", method)
            elif _callers(method):
                faults.append(f"{name}/{method.name}: states callers, but its service is not for the mesh")
    for name, enum in _enums(files):
        faults += _word_faults(name, enum)
    return faults


def ocpp_words(enum: "_EnumTypeWrapper[V]") -> Mapping[str, V]:
    """The values of an enumeration by their `ocpp_word`. Raises ContractError where values state none."""
    proto, name = _proto_of(enum), enum.DESCRIPTOR.full_name
    _raise_if_any(_word_faults(name, proto))
    return _table(enum, {_word(value): value.name for value in proto.value}, f"{name}: no value states an ocpp_word")


def ocpp_16_words(enum: "_EnumTypeWrapper[V]") -> Mapping[str, V]:
    """The values that OCPP 1.6 has, by their `ocpp_16_word`. Raises ContractError where no value states one."""
    proto, name = _proto_of(enum), enum.DESCRIPTOR.full_name
    _raise_if_any(_word_faults(name, proto))
    return _table(
        enum, {_word_16(value): value.name for value in proto.value}, f"{name}: no value states an ocpp_16_word"
    )


def _table(enum: "_EnumTypeWrapper[V]", names: Mapping[str, str], fault: str) -> Mapping[str, V]:
    words = {word: enum.Value(name) for word, name in names.items() if word}
    _raise_if_any([] if words else [fault])
    return words


def _proto_of(enum: "_EnumTypeWrapper[V]") -> EnumDescriptorProto:
    proto = EnumDescriptorProto()
    enum.DESCRIPTOR.CopyToProto(proto)
    return proto


def _word(value: EnumValueDescriptorProto) -> str:
    return value.options.Extensions[options_pb2.ocpp_word]


def _word_16(value: EnumValueDescriptorProto) -> str:
    return value.options.Extensions[options_pb2.ocpp_16_word]


def _has_no_word(value: EnumValueDescriptorProto) -> bool:
    return value.options.Extensions[options_pb2.no_ocpp_word]


def _access_faults(name: str, method: MethodDescriptorProto, requests: Mapping[str, DescriptorProto]) -> Iterator[str]:
    access = method.options.Extensions[options_pb2.access]
    rule = access.WhichOneof("rule")
    if rule is None:
        yield f"{name}: states no access; give it a permission"
    elif not getattr(access, rule):
        yield f"{name}: its {rule} is UNSPECIFIED"
    elif rule == "permission" and not access.scope:
        yield f"{name}: states no scope beside its permission"
    elif rule == "public_access" and access.scope:
        yield f"{name}: states a scope, but needs no permission"
    if access.ticket and rule != "permission":
        yield f"{name}: takes a ticket, but needs no permission"
    elif access.ticket and not _has_field(requests, method, "ticket"):
        yield f"{name}: takes a ticket, but its request has no field of that name"
    if access.scope == options_pb2.SCOPE_RULE_STATION_OR_ALL and not _has_field(requests, method, "station_id"):
        yield f"{name}: its scope is STATION_OR_ALL, but its request has no station_id"
    if access.scope == options_pb2.SCOPE_RULE_STATION and not _names_station(requests, method.input_type):
        yield f"{name}: its scope is STATION, but its request has neither station_id nor station.station_id"
    if access.scope == options_pb2.SCOPE_RULE_CALLER and access.permission != options_pb2.PERMISSION_OWN_ACCOUNT:
        yield f"{name}: its scope is CALLER, but its permission is not OWN_ACCOUNT"


def _has_field(requests: Mapping[str, DescriptorProto], method: MethodDescriptorProto, name: str) -> bool:
    return name in {field.name for field in requests[method.input_type].field}


def _names_station(requests: Mapping[str, DescriptorProto], request: str) -> bool:
    """Whether a request names one station; `request` is the name of its type."""
    fields = {field.name: field for field in requests[request].field}
    if "station_id" in fields:
        return True
    return "station" in fields and any(
        field.name == "station_id" for field in requests[fields["station"].type_name].field
    )


def _requests(files: FileDescriptorSet) -> Mapping[str, DescriptorProto]:
    """The messages of the project's own files, by name as types are named: `.package.Message`."""
    return {f".{file.package}.{message.name}": message for file in _own(files) for message in file.message_type}


def _callers(method: MethodDescriptorProto) -> Sequence[options_pb2.Part.ValueType]:
    return method.options.Extensions[options_pb2.callers]


def _caller_faults(name: str, method: MethodDescriptorProto) -> Iterator[str]:
    if not _callers(method):
        yield f"{name}: states no callers; name the parts that call it"
    elif options_pb2.PART_UNSPECIFIED in _callers(method):
        yield f"{name}: one of its callers is UNSPECIFIED"


def _operator_option_faults(name: str, method: MethodDescriptorProto) -> Iterator[str]:
    """Options that only methods for operators have."""
    for word, is_stated in (
        ("access", method.options.HasExtension(options_pb2.access)),
        ("audit", method.options.HasExtension(options_pb2.audit)),
    ):
        if is_stated:
            yield f"{name}: states an {word}, but its service is not for operators"


# Lists for those who may change what they show, such as the sign-ins of others.
_READING = ("List", "Get")
_CHANGING = ("_WRITE", "_COMMAND", "_SEND_CALL")
# Of simulated hardware, in a process that has no database for an entry (docs/adr/0034-the-simulator-s-own-service.md).
_SIMULATED = "PERMISSION_SIMULATOR_WRITE"


def _audit_faults(name: str, method: MethodDescriptorProto) -> Iterator[str]:
    audit = method.options.Extensions[options_pb2.audit]
    permission = options_pb2.Permission.Name(method.options.Extensions[options_pb2.access].permission)
    if audit == options_pb2.AUDIT_UNSPECIFIED:
        yield f"{name}: states no audit; AUDIT_CHANGE is the one of a method that changes or commands something"
    elif permission.endswith(_CHANGING) and not method.name.startswith(_READING):
        wanted = options_pb2.AUDIT_SIMULATED if permission == _SIMULATED else options_pb2.AUDIT_CHANGE
        if audit != wanted:
            yield f"{name}: needs the permission {permission}, so its audit is {options_pb2.Audit.Name(wanted)}"
    elif audit == options_pb2.AUDIT_SIMULATED:
        yield f"{name}: its audit is AUDIT_SIMULATED, which is for methods with {_SIMULATED}"


def _word_faults(name: str, enum: EnumDescriptorProto) -> Iterator[str]:
    """Faults of an enumeration with an option of the contract; an enumeration without one has none."""
    if not any(_word(value) or _word_16(value) or _has_no_word(value) for value in enum.value):
        return
    for value in enum.value:
        word = _word(value)
        if value.number == 0:
            if word or _has_no_word(value):
                yield f"{value.name}: is the value with number 0, which never has an ocpp_word"
        elif bool(word) is _has_no_word(value):
            fault = "both ocpp_word and no_ocpp_word" if word else "neither ocpp_word nor no_ocpp_word"
            yield f"{value.name}: states {fault}"
    for option, word_of in (("ocpp_word", _word), ("ocpp_16_word", _word_16)):
        for word, count in Counter(map(word_of, enum.value)).items():
            if word and count > 1:
                yield f"{name}: {count} values have the {option} {word}"


def _services(files: FileDescriptorSet) -> Iterator[tuple[str, ServiceDescriptorProto]]:
    for file in _own(files):
        for service in file.service:
            yield f"{file.package}.{service.name}", service


def _enums(files: FileDescriptorSet) -> Iterator[tuple[str, EnumDescriptorProto]]:
    for file in _own(files):
        yield from ((f"{file.package}.{enum.name}", enum) for enum in file.enum_type)
        for message in file.message_type:
            yield from _nested_enums(f"{file.package}.{message.name}", message)


def _nested_enums(name: str, message: DescriptorProto) -> Iterator[tuple[str, EnumDescriptorProto]]:
    yield from ((f"{name}.{enum.name}", enum) for enum in message.enum_type)
    for nested in message.nested_type:
        yield from _nested_enums(f"{name}.{nested.name}", nested)


def _own(files: FileDescriptorSet) -> Iterator[FileDescriptorProto]:
    return (file for file in files.file if file.package.startswith("csms."))


def _raise_if_any(faults: Iterable[str]) -> None:
    if found := list(faults):
        raise ContractError(f"the contract is not complete: {'; '.join(found)}")
