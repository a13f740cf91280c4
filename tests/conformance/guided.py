"""Coverage-guided fuzzing of what every frame goes through before it leaves the gateway: `make fuzz-guided`.

Atheris changes frames in the directions that reach new code: from bytes to a CALL, past the schema, into the messages
for the services and onto the wire. Anything that is raised there ends it, with the frame in a file of its own.
"""

import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gateway", "mesh"]):
    from gateway.ocpp import frames
    from gateway.ocpp.schemas import Schemas
    from gateway.ocpp.tolerances import Mended
    from gateway.ocpp.translation import Routes, UnacceptableError
    from gateway.ocpp.v16 import routes as v16
    from gateway.ocpp.v201 import routes as v201
    from tests.conformance.catalogue import DIRECTIONS

from csms.common.v1.origin_pb2 import Origin

from tests.conformance.edge import examples

VERSIONS = (v16.ROUTES, v201.ROUTES)
SCHEMAS = {version.label: Schemas(version.ocpp) for version in VERSIONS}
ORIGIN = Origin(tenant_id="default", station_id="CP1", epoch=1, ordinal=1)
LONGEST = 4_000


def one_frame(data: bytes) -> None:
    """Does with a frame what a session does. The first byte says of which version it is."""
    if not data:
        return
    version = VERSIONS[data[0] % len(VERSIONS)]
    frame = frames.parse(data[1:], version.ocpp)
    if isinstance(frame, frames.Call):
        _handle(version, frame)


def _handle(version: Routes, call: frames.Call) -> None:
    route = version.inbound.get(call.action)
    if route is None:
        return
    if route.quarantine_response is not None:
        for item in route.quarantine_response.to_questions(call.payload, ORIGIN).values():
            item.SerializeToString()
    accepted = SCHEMAS[version.label].accept(call.action, call.payload)
    if not isinstance(accepted, Mended) or route.to_items is None:
        return
    try:
        items = route.to_items(accepted.payload, ORIGIN)
    except UnacceptableError:
        return
    for item in items.values():
        item.SerializeToString()


def _write_seeds(folder: Path) -> None:
    """The least and the most of every message, texts cut so that they are worth changing."""
    for number, version in enumerate(VERSIONS):
        for action in DIRECTIONS[version.label].from_station:
            for size, payload in enumerate(examples(version.label, action, "request")[:2]):
                text = json.dumps([2, "x", action, payload], ensure_ascii=False).replace("é" * 20, "")
                (folder / f"{number}-{action}-{size}").write_bytes(bytes([number]) + text.encode())


def main() -> None:
    """Runs until its time is over; arguments are those of libFuzzer."""
    with tempfile.TemporaryDirectory() as folder:
        _write_seeds(Path(folder))
        atheris.Setup([sys.argv[0], f"-max_len={LONGEST}", *sys.argv[1:], folder], one_frame)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
