"""The contract with a mistake in it, for tests of what finds mistakes."""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from mesh.contract.published import contract_files

Change = Callable[[Any], None]
"""Changes a ServiceDescriptorProto or EnumDescriptorProto in place."""


def changed(name: str, change: Change) -> FileDescriptorSet:
    """The contract with a change to one of its services or enumerations, by its short name."""
    files = FileDescriptorSet()
    files.CopyFrom(contract_files())
    ours: list[Any] = [one for file in files.file for one in file.service]
    ours += [one for file in files.file for one in file.enum_type]
    [found] = [one for one in ours if one.name == name]
    change(found)
    return files
