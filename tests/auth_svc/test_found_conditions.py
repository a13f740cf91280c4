"""Conditions of id tokens and certificates, as notification_svc is given them."""

from collections.abc import AsyncIterator

import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeRequest
from csms.auth.v1.certificate_authority_service_pb2 import SignCertificateItem, SignCertificatesRequest
from csms.auth.v1.id_token_service_pb2 import AddSeenIdTokenRequest
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdToken
from csms.common.v1.origin_pb2 import Origin
from csms.condition.v1 import condition_pb2
from csms.condition.v1.condition_source_service_pb2 import SearchedKind

from auth_svc import seen_token_store
from auth_svc.seen_tokens import SeenTokens
from tests import certificates
from tests.auth_svc.conftest import Auth, StartAuth
from tests.conftest import FakeClock
from tests.found_conditions import Finder, details_of, finder_of, kind_of, remedies_of

DAY_S = 86_400


@pytest.fixture
async def finder(auth: Auth) -> AsyncIterator[Finder]:
    """The conditions of the running service."""
    async with finder_of(auth.mesh_address, "auth") as found:
        yield found


async def _request(auth: Auth, *texts: str, tenant: str = "default") -> None:
    """Stations request tokens, and what was noted is stored."""
    items = [
        AuthorizeItem(
            origin=Origin(tenant_id=tenant, station_id="CP1"),
            id_token=IdToken(id_token=text, type="ISO14443"),
            evse=EvseRef(evse_id=2, connector_id=1),
        )
        for text in texts
    ]
    await auth.authorization.Authorize(AuthorizeRequest(items=items))
    [seen] = [owner for run in auth.background if isinstance(owner := getattr(run, "__self__", None), SeenTokens)]
    await seen.flush()


async def test_an_unknown_token(auth: Auth, finder: Finder, clock: FakeClock) -> None:
    """Since its first request, with the latest; gone once it is added, or a week after the last request."""
    began_us = clock()
    await _request(auth, "04ABCD")
    clock.advance(60)
    await _request(auth, "04abcd", "OTHER")
    first, second = await finder.find()
    assert (first.kind, first.severity) == (condition_pb2.CONDITION_KIND_ID_TOKEN_UNKNOWN, 1)
    assert (first.station_id, first.evse.evse_id, first.id_token, first.count) == ("CP1", 2, "04abcd", 2)
    assert (first.begin_time.ToMicroseconds(), first.last_time.ToMicroseconds()) == (began_us, clock())
    assert details_of(first) == {"type": "ISO14443"}
    assert remedies_of(first)[0] == ("AddSeenIdToken", {"idToken": "04abcd"})
    assert second.id_token == "OTHER"
    assert await finder.pages(1) == [first, second]
    assert await finder.count() == {"ID_TOKEN_UNKNOWN": 2}
    assert await finder.find(condition_ids=[first.condition_id]) == [first]
    request = AddSeenIdTokenRequest(id_token="04ABCD")
    await auth.id_tokens.AddSeenIdToken(request, metadata=await auth.admin())
    assert await finder.find() == [second]
    clock.advance(7 * DAY_S)
    assert await finder.find() == []


async def test_the_first_request_is_published(auth: Auth, clock: FakeClock) -> None:
    """Not those after it, and not all of very many, which somebody makes up."""
    await _request(auth, "04ABCD")
    clock.advance(60)
    await _request(auth, "04ABCD")
    [event] = await auth.events("id_token.seen")
    assert event == {
        "idToken": {"idToken": "04ABCD", "type": "ISO14443"},
        "evse": {"evseId": 2, "connectorId": 1},
    }
    await _request(auth, *(f"MADE-UP-{number}" for number in range(50)))
    assert len(await auth.events("id_token.seen")) == 1 + seen_token_store.MOST_PUBLISHED


async def test_where_unknown_tokens_are_accepted_none_needs_a_person(start_auth: StartAuth) -> None:
    auth = await start_auth(accept_unknown=True)
    await _request(auth, "04ABCD")
    async with finder_of(auth.mesh_address, "auth") as finder:
        assert await finder.find() == []


async def test_it_is_for_the_tenant_and_for_callers_of_all_of_it(auth: Auth, finder: Finder) -> None:
    await _request(auth, "04ABCD")
    kind = condition_pb2.CONDITION_KIND_ID_TOKEN_UNKNOWN
    assert await finder.find(tenant="other") == []
    assert await finder.find(kinds=[SearchedKind(kind=kind, site_ids=["berlin"])]) == []
    assert [one.id_token for one in await finder.find(station_id="CP1")] == ["04ABCD"]
    assert await finder.find(station_id="CP2") == []


async def _sign(auth: Auth) -> str:
    csr = certificates.csr("CP1", key=certificates.ec_key())
    item = SignCertificateItem(tenant_id="default", station_id="CP1", common_names=["CP1"], csr=csr)
    [result] = (await auth.signing.SignCertificates(SignCertificatesRequest(items=[item]))).results
    serial: str = result.serial_number
    return serial


async def test_a_certificate_ends(auth: Auth, finder: Finder, clock: FakeClock) -> None:
    """Within 30 days it is a warning, afterwards it is critical, for 90 days; a newer one ends it."""
    serial = await _sign(auth)
    clock.advance(334 * DAY_S)
    assert await finder.find() == []
    clock.advance(2 * DAY_S)
    [found] = await finder.find()
    assert (kind_of(found), found.severity, found.serial_number) == ("CERTIFICATE_EXPIRING", 2, serial)
    assert found.station_id == "CP1"
    assert details_of(found)["certificateType"] == "CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE"
    method, request = remedies_of(found)[0]
    assert (method, request["requestedMessage"]) == (
        "TriggerMessage",
        "MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE",
    )
    clock.advance(29 * DAY_S)
    [expired] = await finder.find()
    assert (kind_of(expired), expired.severity) == ("CERTIFICATE_EXPIRED", 3)
    assert await finder.count() == {"CERTIFICATE_EXPIRED": 1}
    clock.advance(90 * DAY_S)
    assert await finder.find() == []
    clock.advance(-90 * DAY_S)
    await _sign(auth)
    assert await finder.find() == []
