"""gRPC-web at the front door: what a browser sends, byte by byte."""

import base64
import struct
from urllib.parse import unquote

import pytest
from csms.station.v1 import station_service_pb2 as stations
from google.rpc import error_details_pb2, status_pb2

from tests.running_mesh import Answer, RunningMesh

GET_STATION = "/csms.station.v1.StationService/GetStation"


def _call(mesh: RunningMesh, station_id: str, headers: dict[str, str], *, text: bool = False) -> Answer:
    message = stations.GetStationRequest(station_id=station_id).SerializeToString()
    frame = b"\0" + struct.pack(">I", len(message)) + message
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    body = base64.b64encode(frame) if text else frame
    return mesh.request("POST", GET_STATION, body=body, content_type=kind, accept=kind, x_grpc_web="1", **headers)


def _frames(body: bytes) -> list[tuple[int, bytes]]:
    frames = []
    while body:
        kind, length = struct.unpack(">BI", body[:5])
        frames.append((kind, body[5 : 5 + length]))
        body = body[5 + length :]
    return frames


def _status(answer: Answer) -> dict[str, str]:
    """grpc-status and what belongs to it, from the trailers' frame or, where there is no message, from the headers."""
    trailers = [data for kind, data in _frames(answer.body) if kind == 0x80]
    if not trailers:
        return dict(answer.headers)
    lines = (line.partition(":") for line in trailers[0].decode().split("\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _reason(status: dict[str, str]) -> str:
    encoded = status["grpc-status-details-bin"]
    found = status_pb2.Status.FromString(base64.b64decode(encoded + "=" * (-len(encoded) % 4)))
    assert found.code == int(status["grpc-status"])
    assert found.message == unquote(status["grpc-message"])
    info = error_details_pb2.ErrorInfo()
    assert found.details[0].Unpack(info)
    return str(info.reason)


@pytest.mark.parametrize("text", [False, True])
def test_a_call(mesh: RunningMesh, bearer: dict[str, str], station_id: str, text: bool) -> None:
    """Binary, and the base64 form that streams need in old browsers."""
    answer = _call(mesh, station_id, bearer, text=text)
    assert answer.status == 200
    body = b"".join(base64.b64decode(part) for part in _base64_parts(answer.body)) if text else answer.body
    (kind, message), (trailer_kind, trailers) = _frames(body)
    assert (kind, trailer_kind) == (0, 0x80)
    assert stations.GetStationResponse.FromString(message).station.station_id == station_id
    assert b"grpc-status:0" in trailers


def _base64_parts(body: bytes) -> list[bytes]:
    """Padded parts may stand one after the other."""
    return [body[at : at + 4] for at in range(0, len(body), 4)]


def test_a_services_error(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """Status, message and details."""
    status = _status(_call(mesh, "nobody", bearer))
    assert status["grpc-status"] == "5"
    assert _reason(status) == "STATION_NOT_FOUND"


def test_without_a_token(mesh: RunningMesh) -> None:
    """The front door's own error has them too; its message is no JSON."""
    status = _status(_call(mesh, "X", {}))
    assert status["grpc-status"] == "16"
    assert _reason(status) == "INVALID_TOKEN"
    assert "{" not in unquote(status["grpc-message"])
