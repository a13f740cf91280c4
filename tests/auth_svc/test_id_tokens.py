"""IdTokenService: what operators do with id tokens."""

import grpc
import pytest
from csms.auth.v1.id_token_service_pb2 import (
    CreateIdTokenRequest,
    DeleteIdTokenRequest,
    GetIdTokenRequest,
    IdToken,
    ListIdTokensRequest,
    ListIdTokensResponse,
    UpdateIdTokenRequest,
)
from csms.auth.v1.user_service_pb2 import RegisterRequest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from auth_svc import tenant_store, user_store
from auth_svc.built_in_tenants import new_tenant
from mesh.identity.callers import Role
from mesh.runtime.times import to_timestamp
from tests.auth_svc.conftest import FAST_HASHER, PASSWORD, Auth, Metadata, bearer, refused

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND


class Operator:
    """Calls IdTokenService with one access token."""

    def __init__(self, auth: Auth, metadata: Metadata) -> None:
        self._stub = auth.id_tokens
        self._metadata = metadata

    async def create(self, **fields: object) -> IdToken:
        """CreateIdToken."""
        request = CreateIdTokenRequest(id_token=IdToken(**fields))  # type: ignore[arg-type]
        return (await self._stub.CreateIdToken(request, metadata=self._metadata)).id_token

    async def get(self, text: str) -> IdToken:
        """GetIdToken."""
        return (await self._stub.GetIdToken(GetIdTokenRequest(id_token=text), metadata=self._metadata)).id_token

    async def update(self, token: IdToken, *paths: str) -> IdToken:
        """UpdateIdToken."""
        request = UpdateIdTokenRequest(id_token=token, update_mask=FieldMask(paths=paths))
        return (await self._stub.UpdateIdToken(request, metadata=self._metadata)).id_token

    async def delete(self, text: str) -> None:
        """DeleteIdToken."""
        await self._stub.DeleteIdToken(DeleteIdTokenRequest(id_token=text), metadata=self._metadata)

    async def page(self, *, page_size: int = 0, page_token: str = "", where: str = "") -> ListIdTokensResponse:
        """ListIdTokens."""
        request = ListIdTokensRequest(page_size=page_size, page_token=page_token, filter=where)
        return await self._stub.ListIdTokens(request, metadata=self._metadata)

    async def texts(self, where: str) -> list[str]:
        """The texts of the tokens that a filter finds."""
        return [token.id_token for token in (await self.page(where=where)).id_tokens]


@pytest.fixture
async def operator(auth: Auth) -> Operator:
    """The administrator, who may do what an operator may."""
    return Operator(auth, await auth.admin())


async def test_created_token_is_read_back_whole(auth: Auth, operator: Operator) -> None:
    """All fields survive, in OCPP's own spelling, and the token is found whatever its case."""
    created = await operator.create(
        id_token="04AB-c",
        type="iso14443",
        status="no_credit",
        expire_time=Timestamp(seconds=2_000_000_000, nanos=5_000),
        group_id_token="Family",
        display_name="Zoë's card",
    )
    assert created == IdToken(
        id_token="04AB-c",
        type="ISO14443",
        status="NoCredit",
        expire_time=Timestamp(seconds=2_000_000_000, nanos=5_000),
        group_id_token="Family",
        display_name="Zoë's card",
        create_time=to_timestamp(auth.clock()),
        update_time=to_timestamp(auth.clock()),
    )
    assert await operator.get("04ab-C") == created


async def test_status_defaults_to_accepted(operator: Operator) -> None:
    """A token is added so that it may charge."""
    assert (await operator.create(id_token="t")).status == "Accepted"


@pytest.mark.parametrize(
    ("given", "stored"),
    [("ACCEPTED", "Accepted"), ("AUTHORIZATION_STATUS_NOT_AT_THIS_TIME", "NotAtThisTime"), ("blocked", "Blocked")],
)
async def test_status_is_taken_in_any_spelling(operator: Operator, given: str, stored: str) -> None:
    """As OCPP writes it, as protobuf writes it, in any case."""
    assert (await operator.create(id_token="t", status=given)).status == stored


@pytest.mark.parametrize(
    ("given", "stored"), [("EMAID", "eMAID"), ("ID_TOKEN_TYPE_KEY_CODE", "KeyCode"), ("MyOwnType", "MyOwnType")]
)
async def test_type_may_be_one_of_nobodys(operator: Operator, given: str, stored: str) -> None:
    """2.1 lets anyone add types; OCPP's own get OCPP's spelling."""
    assert (await operator.create(id_token="t", type=given)).type == stored


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"id_token": "t", "status": "Fine"}, "id_token.status"),
        ({"id_token": "t", "status": "ConcurrentTx"}, "id_token.status"),
        ({"id_token": "t", "type": "x" * 21}, "id_token.type"),
        ({"id_token": "t", "group_id_token": "x" * 256}, "id_token.group_id_token"),
        ({"id_token": "t", "display_name": "line\nbreak"}, "id_token.display_name"),
        ({"id_token": "t", "expire_time": Timestamp(seconds=10**15)}, "id_token.expire_time"),
        ({"id_token": "x" * 256}, "id_token.id_token"),
        ({"id_token": "nul\0"}, "id_token.id_token"),
        ({"id_token": " t"}, "id_token.id_token"),
        ({"id_token": ""}, "id_token.id_token"),
        ({"id_token": "t", "max_concurrent_transactions": -1}, "id_token.max_concurrent_transactions"),
        ({"id_token": "t", "max_concurrent_transactions": 101}, "id_token.max_concurrent_transactions"),
    ],
)
async def test_what_is_wrong_is_named(operator: Operator, fields: dict[str, object], path: str) -> None:
    """INVALID_FIELD with the path of the field."""
    with refused(INVALID, "INVALID_FIELD", path):
        await operator.create(**fields)


async def test_invalid_status_is_told_the_words_there_are(operator: Operator) -> None:
    """So that nobody needs the specification to mend a request."""
    with pytest.raises(grpc.aio.AioRpcError, match="Accepted, Blocked, Expired"):
        await operator.create(id_token="t", status="Fine")


async def test_token_exists_whatever_its_case(auth: Auth, operator: Operator) -> None:
    """A second one that differs only in case would be the same card."""
    await operator.create(id_token="Tag")
    with refused(grpc.StatusCode.ALREADY_EXISTS, "ID_TOKEN_EXISTS"):
        await operator.create(id_token="TAG")
    assert len(await auth.events("id_token.created")) == 1


async def test_masked_update_changes_only_what_is_named(auth: Auth, operator: Operator) -> None:
    """AIP-161: a named field that is empty is cleared, others stay."""
    before = await operator.create(id_token="Tag", display_name="Ann", group_id_token="G", type="Local")
    auth.clock.advance(5)
    after = await operator.update(IdToken(id_token="TAG", status="Blocked", type="Central"), "status", "group_id_token")
    expected = IdToken()
    expected.CopyFrom(before)
    expected.status, expected.group_id_token = "Blocked", ""
    expected.update_time.CopyFrom(to_timestamp(auth.clock()))
    assert after == expected == await operator.get("Tag")


async def test_update_without_mask_changes_what_is_given(operator: Operator) -> None:
    """AIP-134: what a PATCH leaves out it leaves alone."""
    await operator.create(id_token="t", display_name="Ann", expire_time=Timestamp(seconds=2_000_000_000))
    after = await operator.update(IdToken(id_token="t", status="Blocked"))
    assert (after.status, after.display_name, after.expire_time.seconds) == ("Blocked", "Ann", 2_000_000_000)


async def test_update_of_everything_clears_what_is_not_given(operator: Operator) -> None:
    """AIP-134: `*` replaces the whole."""
    await operator.create(id_token="t", display_name="Ann", status="Blocked", expire_time=Timestamp(seconds=1))
    after = await operator.update(IdToken(id_token="t", type="Local"), "*")
    assert (after.status, after.display_name, after.type) == ("Accepted", "", "Local")
    assert not after.HasField("expire_time")


async def test_mask_may_be_spelled_as_json_and_name_fixed_fields(operator: Operator) -> None:
    """REST callers write displayName; a mask made from a whole resource names what cannot change."""
    await operator.create(id_token="t")
    token = IdToken(id_token="t", display_name="Ann", create_time=Timestamp(seconds=1))
    assert (await operator.update(token, "displayName", "id_token", "create_time")).display_name == "Ann"


async def test_update_that_cannot_be_is_refused(operator: Operator) -> None:
    """Unknown field, wrong word, unknown token."""
    await operator.create(id_token="t")
    with refused(INVALID, "INVALID_FIELD", "update_mask"):
        await operator.update(IdToken(id_token="t"), "colour")
    with refused(INVALID, "INVALID_FIELD", "id_token.status"):
        await operator.update(IdToken(id_token="t", status="Fine"), "status")
    with refused(NOT_FOUND, "ID_TOKEN_NOT_FOUND"):
        await operator.update(IdToken(id_token="other", status="Blocked"))


async def test_how_many_transactions_it_may_hold(auth: Auth, operator: Operator) -> None:
    """A number, any number (0), or as the setting says (absent): three different things, each of which can be set."""
    assert not (await operator.create(id_token="t")).HasField("max_concurrent_transactions")
    assert (
        await operator.update(IdToken(id_token="t", max_concurrent_transactions=3))
    ).max_concurrent_transactions == 3
    assert (await operator.update(IdToken(id_token="t", display_name="Ann"))).max_concurrent_transactions == 3
    any_number = await operator.update(IdToken(id_token="t", max_concurrent_transactions=0))
    assert any_number == await operator.get("t")
    assert any_number.HasField("max_concurrent_transactions")
    as_set = await operator.update(IdToken(id_token="t"), "maxConcurrentTransactions")
    assert not as_set.HasField("max_concurrent_transactions")
    told = [event.get("maxConcurrentTransactions") for event in await auth.events("id_token.updated")]
    assert told == [3, 3, 0, None]


async def test_deleted_token_is_gone(operator: Operator) -> None:
    """Deleting again says that it is not there."""
    await operator.create(id_token="Tag")
    await operator.delete("TAG")
    with refused(NOT_FOUND, "ID_TOKEN_NOT_FOUND"):
        await operator.get("Tag")
    with refused(NOT_FOUND, "ID_TOKEN_NOT_FOUND"):
        await operator.delete("Tag")
    with refused(NOT_FOUND, "ID_TOKEN_NOT_FOUND"):
        await operator.get("nul\0")


async def test_pages_hold_every_token_once(operator: Operator) -> None:
    """Sorted by text without regard to case, also while tokens are added behind the reader."""
    for text in ("b", "D", "a", "C", "e"):
        await operator.create(id_token=text)
    first = await operator.page(page_size=2)
    await operator.create(id_token="AA")
    second = await operator.page(page_size=2, page_token=first.next_page_token)
    third = await operator.page(page_size=2, page_token=second.next_page_token)
    pages = [[token.id_token for token in page.id_tokens] for page in (first, second, third)]
    assert pages == [["a", "b"], ["C", "D"], ["e"]]
    assert third.next_page_token == ""


async def test_filter_finds_by_every_field_it_may_name(operator: Operator) -> None:
    """Words are taken in any case there, too."""
    await operator.create(id_token="One", status="Blocked", group_id_token="G")
    await operator.create(id_token="two", type="Local")
    assert await operator.texts('status = "blocked"') == ["One"]
    assert await operator.texts("id_token = ONE OR type = local") == ["One", "two"]
    assert await operator.texts('group_id_token = "G" AND status = AUTHORIZATION_STATUS_BLOCKED') == ["One"]
    assert await operator.texts("NOT status = Blocked") == ["two"]


async def test_bad_lists_are_refused(operator: Operator) -> None:
    """INVALID_FILTER, INVALID_PAGE_TOKEN, and a page token of another filter."""
    await operator.create(id_token="a")
    await operator.create(id_token="b")
    for where in ('colour = "red"', "status = Fine", "status", 'id_token = "nul\0"'):
        with refused(INVALID, "INVALID_FILTER"):
            await operator.page(where=where)
    token = (await operator.page(page_size=1)).next_page_token
    for page_token, where in (("nonsense", ""), (token, "status = Blocked")):
        with refused(INVALID, "INVALID_PAGE_TOKEN"):
            await operator.page(page_token=page_token, where=where)
    with refused(INVALID, "INVALID_FIELD", "page_size"):
        await operator.page(page_size=-1)


async def test_each_change_leaves_an_event(auth: Auth, operator: Operator) -> None:
    """In the transaction of the change, with the resource's own names in JSON."""
    await operator.create(id_token="Tag", expire_time=Timestamp(seconds=2_000_000_000))
    await operator.update(IdToken(id_token="tag", status="Blocked"))
    await operator.update(IdToken(id_token="tag", status="Accepted"))
    await operator.delete("TAG")
    data = {"idToken": "Tag", "type": "", "groupIdToken": "", "displayName": ""}
    data |= {"status": "Accepted", "expireTime": "2033-05-18T03:33:20Z"}
    assert await auth.events("id_token.created") == [data]
    assert await auth.events("id_token.updated") == [data | {"status": "Blocked"}, data]
    assert await auth.events("id_token.deleted") == [data]


async def test_tenants_do_not_see_each_others_tokens(auth: Auth, operator: Operator) -> None:
    """An operator of another tenant finds nothing, and may have the same text."""
    await operator.create(id_token="Tag")
    stranger = user_store.User(
        tenant_id="other", username="eve", role=Role.OPERATOR, password_hash=FAST_HASHER.hash(PASSWORD), create_us=1
    )
    other = new_tenant("other", now_us=1)
    await auth.database.write(lambda connection: tenant_store.add_tenant(connection, other))
    await auth.database.write(lambda connection: user_store.create_user(connection, stranger))
    eve = Operator(auth, bearer(await auth.login("eve", tenant_id="other")))
    assert (await eve.page()).id_tokens == []
    with refused(NOT_FOUND, "ID_TOKEN_NOT_FOUND"):
        await eve.delete("Tag")
    await eve.create(id_token="Tag", status="Blocked")
    assert (await operator.get("Tag")).status == "Accepted"


async def test_viewer_reads_and_does_not_write(auth: Auth, operator: Operator) -> None:
    """ROLE_TOO_LOW, before anything is looked at."""
    await operator.create(id_token="Tag")
    request = RegisterRequest(username="vera", password=PASSWORD)
    await auth.users.Register(request, metadata=await auth.admin())
    viewer = Operator(auth, bearer(await auth.login("vera")))
    assert (await viewer.get("Tag")).id_token == "Tag"
    with refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW"):
        await viewer.create(id_token="other")
    with refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW"):
        await viewer.delete("Tag")
