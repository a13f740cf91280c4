"""The auth_svc at the other end: the tokens that a test gives it, in small pages, and their readers' forms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from csms.auth.v1 import authorization_service_pb2 as pb
from csms.auth.v1.authorization_service_pb2_grpc import (
    AuthorizationServiceServicer,
    add_AuthorizationServiceServicer_to_server,
)
from csms.common.v1 import id_token_pb2

from mesh.contract.services import MESH_SERVICES
from mesh.grpc.servers import mesh_server
from mesh.grpc.types import Context
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import to_timestamp
from tests.mesh_identities import identity_of

ACCEPTED = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED
BLOCKED = id_token_pb2.AUTHORIZATION_STATUS_BLOCKED
_PAGE = 3


def token(
    text: str,
    status: id_token_pb2.AuthorizationStatus.ValueType = ACCEPTED,
    *,
    expire_us: int | None = None,
    group: str = "",
) -> pb.LocalListToken:
    """An id token."""
    info = id_token_pb2.IdTokenInfo(status=status)
    if expire_us is not None:
        info.cache_expire_time.CopyFrom(to_timestamp(expire_us))
    if group:
        info.group_id_token.CopyFrom(id_token_pb2.IdToken(id_token=group, type="Central"))
    return pb.LocalListToken(id_token=id_token_pb2.IdToken(id_token=text), id_token_info=info)


class FarAuth(AuthorizationServiceServicer):
    """Serves its tokens for the tenant `default`, and nothing else."""

    Authorize = StreamAuthorize = GetSigningKeys = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.tokens: list[pb.LocalListToken] = []
        self.is_unavailable = False
        self.asked = 0
        self.address = ""
        self.forms: dict[str, str] = {}  # readers', by what an operator gives
        self.types: dict[str, str] = {}  # registered ones, by the same
        self.deadlines_s: list[float] = []  # of the calls that ask for forms
        self.answers = asyncio.Event()  # until it is set, those calls have no answer
        self.answers.set()

    async def ListTokensForLocalLists(
        self, request: pb.ListTokensForLocalListsRequest, context: Context
    ) -> pb.ListTokensForLocalListsResponse:
        """A page of them."""
        del context
        self.asked += 1
        if self.is_unavailable:
            raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "not now")
        tokens = self.tokens if request.tenant_id == "default" else []
        start = int(request.page_token or 0)
        more = start + _PAGE < len(tokens)
        return pb.ListTokensForLocalListsResponse(
            tokens=tokens[start : start + _PAGE], next_page_token=str(start + _PAGE) if more else ""
        )

    async def FindReaderForms(self, request: pb.FindReaderFormsRequest, context: Context) -> pb.FindReaderFormsResponse:
        """The forms that it was given."""
        self.deadlines_s.append(float(context.time_remaining()))  # type: ignore[no-untyped-call,unused-ignore]
        await self.answers.wait()
        if self.is_unavailable or request.tenant_id != "default":
            raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "not now")
        return pb.FindReaderFormsResponse(
            reader_id_tokens=[self.forms.get(text, "") for text in request.id_tokens],
            types=[self.types.get(text, "") for text in request.id_tokens],
        )


@asynccontextmanager
async def far_auth() -> AsyncIterator[FarAuth]:
    """Serves one until the block ends."""
    servicer = FarAuth()
    server = mesh_server("127.0.0.1:0", identity=identity_of("auth"), services=MESH_SERVICES["auth"])
    add_AuthorizationServiceServicer_to_server(servicer, server.server)
    await server.start()
    servicer.address = f"127.0.0.1:{server.port}"
    try:
        yield servicer
    finally:
        await server.stop(0)
