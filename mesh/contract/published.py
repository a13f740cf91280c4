"""The files that gRPC reflection returns: operator services and the files that they import, no mesh services."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

# The generated descriptor set lies in the package `csms`, so that an installed distribution has it too.
CONTRACT = resources.files("csms") / "csms.binpb"


@cache
def contract_files() -> FileDescriptorSet:
    """All files of the contract and those that they import, read once. Callers do not change them."""
    return FileDescriptorSet.FromString(CONTRACT.read_bytes())


def published_files(services: Iterable[str]) -> list[FileDescriptorProto]:
    """The files of these services and those that they import, each after its imports.

    They are found among all descriptors, since generated modules of a process are those of its own services only. A
    file with other services is reduced to the types that the rest refers to.
    """
    files = contract_files().file
    wanted = set(services)
    needed = {file.name for file in files if wanted & set(_services(file))}
    for file in reversed(files):
        if file.name in needed:
            needed |= set(file.dependency)
    shown = [file for file in files if file.name in needed]
    used = {name for file in shown if _is_public(file, wanted) for name in _references(file)}
    return [file if _is_public(file, wanted) else _reduced(file, used) for file in shown]


def _services(file: FileDescriptorProto) -> list[str]:
    return [f"{file.package}.{service.name}" for service in file.service]


def _is_public(file: FileDescriptorProto, wanted: set[str]) -> bool:
    return wanted.issuperset(_services(file))


def _reduced(file: FileDescriptorProto, used: set[str]) -> FileDescriptorProto:
    messages = {f".{file.package}.{message.name}": message for message in file.message_type}
    keep = _closure(used & messages.keys(), messages)
    reduced = FileDescriptorProto()
    reduced.CopyFrom(file)
    del reduced.service[:], reduced.message_type[:], reduced.enum_type[:]
    reduced.message_type.extend(message for name, message in messages.items() if name in keep)
    known = used | {name for each in keep for name in _of_message(messages[each])}
    reduced.enum_type.extend(enum for enum in file.enum_type if f".{file.package}.{enum.name}" in known)
    return reduced


def _closure(names: Iterable[str], messages: Mapping[str, DescriptorProto]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in messages and name not in found:
            found.add(name)
            waiting += _of_message(messages[name])
    return found


def _references(file: FileDescriptorProto) -> Iterator[str]:
    """The types that a file refers to; of a nested type the one around it."""
    for message in file.message_type:
        yield from _of_message(message)
    for service in file.service:
        for method in service.method:
            yield from (method.input_type, method.output_type)


def _of_message(message: DescriptorProto) -> Iterator[str]:
    for field in message.field:
        if field.type_name:
            yield _outermost(field.type_name)
    for nested in message.nested_type:
        yield from _of_message(nested)


def _outermost(name: str) -> str:
    """`.csms.x.v1.A.B` is within `.csms.x.v1.A`: packages are in lower case, types are not."""
    parts = name.split(".")
    last = next((index for index, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return ".".join(parts[: last + 1])
