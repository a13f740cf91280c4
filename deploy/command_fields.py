"""Gives each RPC of CommandService its field in the messages that carry commands to gateways.

`python -m deploy.command_fields SET`, which `make gen` runs before it generates code; SET is a descriptor set of
command_service.proto. An RPC that has no field yet gets one in CallRequest.command and CallResponse.answer, under its
name in snake case and with the next free number. Fields that are there stay as they are.
"""

import re
import sys
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto

from mesh.contract.services import command_name

PROTO = Path(__file__).resolve().parent.parent / "proto/csms/gateway/v1/gateway_service.proto"
_FIELD = re.compile(r"^\s+\S+ (\w+) = (\d+);$", re.MULTILINE)


def complete(text: str, files: FileDescriptorSet) -> str:
    """The text of gateway_service.proto with a field for each command."""
    for method in _commands(files):
        name = command_name(method.name)
        if name not in {field for field, _number in _FIELD.findall(text)}:
            number = 1 + max(int(number) for message in _messages(text) for _field, number in _FIELD.findall(message))
            text = _added(text, "command", f"{method.input_type[1:]} {name} = {number};")
            text = _added(text, "answer", f"{method.output_type[1:]} {name} = {number};")
            text = _imported(text, {_file_of(files, kind) for kind in (method.input_type, method.output_type)})
    return text


def _commands(files: FileDescriptorSet) -> list[MethodDescriptorProto]:
    return [
        method
        for file in files.file
        for service in file.service
        if f"{file.package}.{service.name}" == "csms.station.v1.CommandService"
        for method in service.method
    ]


def _messages(text: str) -> list[str]:
    """CallRequest and CallResponse, which share their numbers."""
    return re.findall(r"^message Call(?:Request|Response) \{$.*?^\}$", text, re.MULTILINE | re.DOTALL)


def _added(text: str, oneof: str, field: str) -> str:
    """`text` with a field at the end of a oneof."""
    block = re.compile(rf"(^  oneof {oneof} \{{$.*?)(^  \}}$)", re.MULTILINE | re.DOTALL)
    return block.sub(rf"\1    // See CommandService.\n    {field}\n\2", text, count=1)


def _imported(text: str, paths: set[str]) -> str:
    for path in sorted(paths):
        line = f'import "{path}";\n'
        if line not in text:
            text = text.replace("\nimport ", f"\n{line}import ", 1)  # buf format sorts them
    return text


def _file_of(files: FileDescriptorSet, kind: str) -> str:
    [path] = [file.name for file in files.file if kind in {f".{file.package}.{one.name}" for one in file.message_type}]
    return path


def main() -> None:
    """Completes gateway_service.proto in place."""
    [descriptors] = sys.argv[1:]
    before = PROTO.read_text()
    after = complete(before, FileDescriptorSet.FromString(Path(descriptors).read_bytes()))
    if after != before:
        PROTO.write_text(after)


if __name__ == "__main__":
    main()
