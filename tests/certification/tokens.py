"""The id tokens that cases speak of."""

from typing import Any

from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, IdToken
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from tests.certification.played_station import BLOCKED, EXPIRED, GROUP, INVALID, PlayedStation
from tests.gateway.rig import TIMEOUT_S, MeshRig

TOKENS = (
    IdToken(id_token=INVALID, status="Invalid"),
    IdToken(id_token=EXPIRED, status="Accepted", expire_time=Timestamp(seconds=1_700_000_000)),
    IdToken(id_token=BLOCKED, status="Blocked"),
)


async def create_token(mesh: MeshRig, token: IdToken) -> None:
    """An administrator adds a token."""
    service: Any = IdTokenServiceStub(mesh.auth_channel)
    await service.CreateIdToken(CreateIdTokenRequest(id_token=token), metadata=mesh.metadata, timeout=TIMEOUT_S)


async def create_driver(station: PlayedStation) -> None:
    """Adds the token of the driver who comes to a station."""
    await create_token(station.mesh, IdToken(id_token=station.tag, group_id_token=GROUP))
