"""Calls that the two ports of auth_svc let through: on the wire, as any client meets it."""

import grpc
import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeRequest, GetSigningKeysRequest
from csms.auth.v1.authorization_service_pb2_grpc import AuthorizationServiceStub
from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, GetIdTokenRequest, IdToken
from csms.auth.v1.user_service_pb2 import LoginRequest, RefreshRequest, VerifyRequest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.auth_svc.conftest import Auth, refused

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "Bearer nonsense"),),
        (("authorization", "Basic YWRtaW46YWRtaW4="),),
        (("authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),),
    ],
)
async def test_no_operator_method_without_an_access_token(auth: Auth, metadata: tuple[tuple[str, str], ...]) -> None:
    """UNAUTHENTICATED with ErrorInfo INVALID_TOKEN, whatever is sent in its stead."""
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.id_tokens.GetIdToken(GetIdTokenRequest(id_token="t"), metadata=metadata)
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.users.Verify(VerifyRequest(), metadata=metadata)


async def test_refusal_carries_error_info(auth: Auth) -> None:
    """As google.rpc.Status in the trailers, which Envoy turns into a JSON body."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await auth.id_tokens.GetIdToken(GetIdTokenRequest(id_token="t"))
    status = rpc_status.from_call(caught.value)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("INVALID_TOKEN", "csms")


async def test_token_that_was_tampered_with_is_refused(auth: Auth) -> None:
    """A role cannot be written into it."""
    header, _, signature = (await auth.login()).access_token.split(".")
    forged = f"{header}.e30.{signature}"
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.users.Verify(VerifyRequest(), metadata=(("authorization", f"Bearer {forged}"),))


async def test_required_fields_are_asked_for(auth: Auth) -> None:
    """INVALID_FIELD with the path, at any depth, before the servicer sees the request."""
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    with refused(invalid, "INVALID_FIELD", "password"):
        await auth.users.Login(LoginRequest(username="admin"))
    with refused(invalid, "INVALID_FIELD", "refresh_token"):
        await auth.users.Refresh(RefreshRequest())
    with refused(invalid, "INVALID_FIELD", "id_token"):
        await auth.id_tokens.CreateIdToken(CreateIdTokenRequest(), metadata=await auth.admin())
    with refused(invalid, "INVALID_FIELD", "id_token.id_token"):
        request = CreateIdTokenRequest(id_token=IdToken(display_name="x"))
        await auth.id_tokens.CreateIdToken(request, metadata=await auth.admin())


async def test_mesh_port_is_closed_to_strangers(auth: Auth) -> None:
    """Without the proof of a part no method answers, not even to an administrator's access token."""
    async with grpc.aio.insecure_channel(auth.mesh_address) as channel:
        stub = AuthorizationServiceStub(channel)
        for call in (
            stub.Authorize(AuthorizeRequest(), metadata=await auth.admin()),
            stub.GetSigningKeys(GetSigningKeysRequest(), metadata=await auth.admin()),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is UNAUTHENTICATED


async def test_ports_do_not_serve_each_others_methods(auth: Auth) -> None:
    """Envoy routes to the operator port, so nothing of the mesh may be there."""
    stub = AuthorizationServiceStub(auth.operator_channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Authorize(AuthorizeRequest(), metadata=await auth.admin())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
