"""Types of id tokens: a token counts only with the type that it is registered with (ADR 38)."""

import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeRequest, FindReaderFormsRequest
from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, IdToken
from csms.common.v1 import id_token_pb2
from csms.common.v1.id_token_pb2 import IdTokenInfo
from csms.common.v1.origin_pb2 import Origin

from auth_svc.normalization import TYPES
from tests.auth_svc.conftest import Auth, StartAuth

ACCEPTED = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED
UNKNOWN = id_token_pb2.AUTHORIZATION_STATUS_UNKNOWN
INVALID = id_token_pb2.AUTHORIZATION_STATUS_INVALID


async def _register(auth: Auth, kind: str, **more: str) -> None:
    token = IdToken(id_token="Tag", type=kind, **more)  # type: ignore[arg-type]
    await auth.id_tokens.CreateIdToken(CreateIdTokenRequest(id_token=token), metadata=await auth.admin())


async def _present(auth: Auth, kind: str, text: str = "Tag") -> IdTokenInfo:
    item = AuthorizeItem(
        origin=Origin(tenant_id="default", station_id="CP1"), id_token=id_token_pb2.IdToken(id_token=text, type=kind)
    )
    [result] = (await auth.authorization.Authorize(AuthorizeRequest(items=[item]))).results
    return result.id_token_info


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind not in ("ISO14443", "Central")])
async def test_card_is_not_accepted_as_another_type(auth: Auth, kind: str) -> None:
    await _register(auth, "ISO14443", group_id_token="Family")
    assert await _present(auth, kind) == IdTokenInfo(status=INVALID)


@pytest.mark.parametrize("kind", ["ISO14443", "iso14443"])
async def test_card_is_accepted_as_its_own_type(auth: Auth, kind: str) -> None:
    await _register(auth, "ISO14443")
    assert (await _present(auth, kind)).status == ACCEPTED


@pytest.mark.parametrize("registered", ["", "ISO14443", "Fingerprint"])
async def test_station_of_1_6_names_no_type(auth: Auth, registered: str) -> None:
    """The tags of 1.6 have no types: the same card works at stations of every version."""
    await _register(auth, registered)
    assert (await _present(auth, "")).status == ACCEPTED


@pytest.mark.parametrize("registered", ["", "ISO14443"])
async def test_type_of_a_remote_start_comes_back(auth: Auth, registered: str) -> None:
    """A station repeats the type Central that it was sent with a request to start."""
    await _register(auth, registered)
    assert (await _present(auth, "Central")).status == ACCEPTED


@pytest.mark.parametrize("kind", ["ISO14443", "KeyCode", "eMAID"])
async def test_token_without_a_registered_type_fits_each_type_of_ocpp(auth: Auth, kind: str) -> None:
    await _register(auth, "")
    assert (await _present(auth, kind)).status == ACCEPTED


@pytest.mark.parametrize("registered", ["", "ISO14443"])
async def test_type_that_does_not_exist_is_refused(auth: Auth, registered: str) -> None:
    await _register(auth, registered)
    assert (await _present(auth, "Fingerprint")).status == INVALID


async def test_type_that_an_operator_registered_is_accepted(auth: Auth) -> None:
    """OCPP 2.1 lets anyone add types."""
    await _register(auth, "Fingerprint")
    assert (await _present(auth, "Fingerprint")).status == ACCEPTED
    assert (await _present(auth, "ISO14443")).status == INVALID


async def test_unknown_token_is_accepted_with_a_type_of_ocpp_only(start_auth: StartAuth) -> None:
    auth = await start_auth(accept_unknown=True)
    assert (await _present(auth, "ISO14443", "other")).status == ACCEPTED
    assert (await _present(auth, "Fingerprint", "other")).status == INVALID


async def test_unknown_token_is_unknown_with_any_type(auth: Auth) -> None:
    assert (await _present(auth, "Fingerprint", "other")).status == UNKNOWN


async def test_registered_type_is_found_with_the_readers_form(auth: Auth) -> None:
    await _register(auth, "ISO14443")
    request = FindReaderFormsRequest(tenant_id="default", id_tokens=["TAG", "other"])
    assert list((await auth.authorization.FindReaderForms(request)).types) == ["ISO14443", ""]
