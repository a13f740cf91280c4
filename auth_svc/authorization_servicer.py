"""Serves the mesh: may this token charge, which tokens belong on local lists, which keys sign access tokens."""

from collections.abc import Container, Iterable, Mapping

import msgspec
from csms.auth.v1.authorization_service_pb2 import (
    AuthorizeItem,
    AuthorizeRequest,
    AuthorizeResponse,
    AuthorizeResult,
    FindReaderFormsRequest,
    FindReaderFormsResponse,
    GetSigningKeysRequest,
    GetSigningKeysResponse,
    ListTokensForLocalListsRequest,
    ListTokensForLocalListsResponse,
    LocalListToken,
)
from csms.auth.v1.authorization_service_pb2_grpc import AuthorizationServiceServicer
from csms.common.v1 import id_token_pb2, origin_pb2
from csms.common.v1.id_token_pb2 import AuthorizationStatus, IdTokenInfo

from auth_svc import id_token_store
from auth_svc.keys import SigningKeys
from auth_svc.normalization import MAX_TOKEN, fold
from auth_svc.seen_tokens import SeenTokens
from auth_svc.token_types import is_of_type, is_type
from mesh.contract.id_tokens import match_key
from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.database.pages import page_of
from mesh.grpc.batch_streams import served_by_twin
from mesh.grpc.types import Context
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock, to_timestamp

MAX_ITEMS = 256
MAX_PAGE = 1000

# By the words that id tokens are stored with.
_STATUSES: Mapping[str, AuthorizationStatus.ValueType] = {
    "Accepted": id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED,
    "Blocked": id_token_pb2.AUTHORIZATION_STATUS_BLOCKED,
    "Expired": id_token_pb2.AUTHORIZATION_STATUS_EXPIRED,
    "Invalid": id_token_pb2.AUTHORIZATION_STATUS_INVALID,
    "NoCredit": id_token_pb2.AUTHORIZATION_STATUS_NO_CREDIT,
    "NotAllowedTypeEVSE": id_token_pb2.AUTHORIZATION_STATUS_NOT_ALLOWED_TYPE_EVSE,
    "NotAtThisLocation": id_token_pb2.AUTHORIZATION_STATUS_NOT_AT_THIS_LOCATION,
    "NotAtThisTime": id_token_pb2.AUTHORIZATION_STATUS_NOT_AT_THIS_TIME,
    "Unknown": id_token_pb2.AUTHORIZATION_STATUS_UNKNOWN,
}

_Key = id_token_store.Key

# Least age of a token's reader form before the form of another reader may replace it.
_FORM_HOLDS_US = 3600 * SECOND_US

log = get_logger(__name__)

_ACCEPTED = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED
_UNKNOWN = id_token_pb2.AUTHORIZATION_STATUS_UNKNOWN
_INVALID = id_token_pb2.AUTHORIZATION_STATUS_INVALID


class _Question(msgspec.Struct, frozen=True):
    """One item, as far as it could be read: a key to look for, an answer that needs none, or an error."""

    key: _Key | None = None
    text: str = ""  # as the reader sends it
    type: str = ""
    station_id: str = ""
    status: AuthorizationStatus.ValueType = id_token_pb2.AUTHORIZATION_STATUS_UNSPECIFIED
    error: MeshError | None = None


class ConcurrencyRule(msgspec.Struct, frozen=True, kw_only=True):
    """Most transactions that an id token without a limit of its own may hold at once; 0: any number.

    `limit_authorize`: Authorize is refused too where it holds as many.
    """

    max_transactions: int = 0
    limit_authorize: bool = False


class AuthorizationServicer(AuthorizationServiceServicer):
    """AuthorizationService. `accept_unknown` is for tenants without a setting of their own.

    Where other machines can connect, `admits_anyone` is false, and no tenant accepts unknown tokens by its own setting.
    """

    def __init__(
        self,
        *,
        database: Database,
        keys: SigningKeys,
        clock: Clock,
        tenants: TenantDirectory,
        accept_unknown: bool,
        admits_anyone: bool,
        seen: SeenTokens,
        concurrency: ConcurrencyRule = ConcurrencyRule(),  # noqa: B008 - frozen
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._concurrency = concurrency
        self._seen = seen
        self._tenants = tenants
        self._accepts_unknown = accept_unknown
        self._admits_anyone = admits_anyone

    StreamAuthorize = served_by_twin

    async def Authorize(self, request: AuthorizeRequest, context: Context) -> AuthorizeResponse:
        """One statement for any number of items; one more if a token is not known."""
        if len(request.items) > MAX_ITEMS:
            raise invalid_field("items", f"there are {len(request.items)}, and {MAX_ITEMS} are the most")
        questions = [_read(item) for item in request.items]
        texts = {question.key: question.text for question in questions if question.key is not None}
        found: Mapping[_Key, id_token_store.TokenStatus] = {}
        if texts:
            found = await self._database.read(lambda connection: id_token_store.find_token_statuses(connection, texts))
        now_us = self._clock()
        if news := _reader_forms(texts, found, now_us):
            await self._note_reader_forms(news, now_us)
        response = AuthorizeResponse()
        for question in questions:
            self._answer(response.results.add(), question, found, now_us)
        if len(found) < len(texts):
            self._note_unknown(request.items, questions, found)
        return response

    def _note_unknown(
        self, items: Iterable[AuthorizeItem], questions: Iterable[_Question], found: Container[_Key]
    ) -> None:
        for item, question in zip(items, questions, strict=True):
            if question.key is not None and question.key not in found:
                self._seen.note(question.key, item)

    async def _note_reader_forms(self, forms: Mapping[_Key, str], now_us: int) -> None:
        """Notes how readers write tokens; no answer fails for it."""
        try:
            await self._database.write(lambda connection: id_token_store.set_reader_forms(connection, forms, now_us))
        except MeshError as error:
            log.warning("forms of id tokens not noted", reason=error.reason, count=len(forms))

    async def ListTokensForLocalLists(
        self, request: ListTokensForLocalListsRequest, context: Context
    ) -> ListTokensForLocalListsResponse:
        """A tenant's tokens by their folded text, each as Authorize would answer now."""
        tenant_id = request.tenant_id
        if not tenant_id or not is_storable(tenant_id):
            raise invalid_field("tenant_id", "is required")
        page = page_of(request, [str], binding=tenant_id, default=MAX_PAGE, most=MAX_PAGE)
        (after_key,) = page.after or ("",)
        rows = await self._database.read(
            lambda connection: id_token_store.list_id_tokens(
                connection, tenant_id, after_key=after_key, condition=None, limit=page.limit
            )
        )
        rows, next_token = page.cut(rows, lambda token: (fold(token.id_token),))
        now_us = self._clock()
        return ListTokensForLocalListsResponse(
            tokens=[_to_local_list_token(token, now_us) for token in rows], next_page_token=next_token
        )

    async def GetSigningKeys(self, request: GetSigningKeysRequest, context: Context) -> GetSigningKeysResponse:
        """The public halves of the keys, read from the database again."""
        return GetSigningKeysResponse(jwks_json=await self._keys.jwks_json())

    async def FindReaderForms(self, request: FindReaderFormsRequest, context: Context) -> FindReaderFormsResponse:
        """As local lists have them. Nothing is noted: these tokens come from operators, not from readers."""
        if not request.tenant_id or not is_storable(request.tenant_id):
            raise invalid_field("tenant_id", "is required")
        if len(request.id_tokens) > MAX_ITEMS:
            raise invalid_field("id_tokens", f"there are {len(request.id_tokens)}, and {MAX_ITEMS} are the most")
        origin = origin_pb2.Origin(tenant_id=request.tenant_id)
        tokens = [id_token_pb2.IdToken(id_token=text) for text in request.id_tokens]
        questions = [_read(AuthorizeItem(origin=origin, id_token=token)) for token in tokens]
        texts = {question.key: question.text for question in questions if question.key is not None}
        found: Mapping[_Key, id_token_store.TokenStatus] = {}
        if texts:
            found = await self._database.read(lambda connection: id_token_store.find_token_statuses(connection, texts))
        known = [None if question.key is None else found.get(question.key) for question in questions]
        return FindReaderFormsResponse(
            reader_id_tokens=["" if one is None else _reader_form(one) for one in known],
            types=["" if one is None else one.type for one in known],
        )

    def _answer(
        self,
        result: AuthorizeResult,
        question: _Question,
        found: Mapping[_Key, id_token_store.TokenStatus],
        now_us: int,
    ) -> None:
        """Writes what one question is answered. In place: half the price of making messages and copying them."""
        if question.error is not None:
            result.error.CopyFrom(question.error.to_status())
        elif question.key is None:
            result.id_token_info.status = question.status
        elif (token := found.get(question.key)) is None:
            self._answer_unknown(result, question.key[0], question.type)
        elif not is_of_type(question.type, token.type):
            result.id_token_info.status = _INVALID
            kinds = {"presented": question.type, "registered": token.type}
            log.info("id token presented with another type", station_id=question.station_id, **kinds)
        else:
            _write_info(result.id_token_info, token, now_us)
            self._write_limit(result, token.max_concurrent_transactions)

    def _answer_unknown(self, result: AuthorizeResult, tenant_id: str, kind: str) -> None:
        if self.accepts_unknown(tenant_id):
            result.id_token_info.status = _ACCEPTED if is_type(kind) else _INVALID
        else:
            result.id_token_info.status = _UNKNOWN
        self._write_limit(result, None)

    def accepts_unknown(self, tenant_id: str) -> bool:
        """Whether id tokens that a tenant does not know are accepted: by its own setting, or else the environment's."""
        tenant = self._tenants.find(tenant_id)
        accepts = None if tenant is None else tenant.settings.accepts_unknown_tokens
        if accepts is None:
            accepts = self._accepts_unknown
        elif not self._admits_anyone:  # other machines can connect: see Environment.unknown_tokens_accepted
            accepts = False
        return accepts

    def _write_limit(self, result: AuthorizeResult, own: int | None) -> None:
        rule = self._concurrency
        if most := rule.max_transactions if own is None else own:
            result.max_concurrent_transactions = most
            result.limit_authorize = rule.limit_authorize


def _read(item: AuthorizeItem) -> _Question:
    """Reads the question of an item. OCPP 2.0.1 part 2, C02: a start button sends no token at all, and may charge."""
    tenant_id, id_token = item.origin.tenant_id, item.id_token
    presented = id_token.id_token
    text = presented.strip()
    if not tenant_id:
        return _Question(error=invalid_field("origin.tenant_id", "is required"))
    if not text and id_token.type.casefold() == "noauthorization":
        return _Question(status=id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED)
    if not text.isprintable() or not 1 <= len(text) <= MAX_TOKEN:
        # Of a form that no operator can register.
        return _Question(status=_INVALID)
    return _Question(
        key=(tenant_id, match_key(text)), text=presented, type=id_token.type, station_id=item.origin.station_id
    )


def _reader_form(token: id_token_store.IdToken | id_token_store.TokenStatus) -> str:
    """The form that stations are sent: a station compares it letter by letter with the one that its reader sends."""
    return token.reader_id_token or token.id_token


def _reader_forms(
    texts: Mapping[_Key, str], found: Mapping[_Key, id_token_store.TokenStatus], now_us: int
) -> dict[_Key, str]:
    """The forms in which readers send tokens, where they are news; case is none, since stations compare without it.

    Readers may differ: what is noted of a token stays for a while.
    """
    news = {}
    for key, token in found.items():
        text, known = texts[key], token.reader_id_token or token.id_token
        if text == known:  # as nearly always
            continue
        if text.casefold() != known.casefold() and now_us - token.reader_us >= _FORM_HOLDS_US:
            news[key] = text
    return news


def _to_local_list_token(token: id_token_store.IdToken, now_us: int) -> LocalListToken:
    text = id_token_pb2.IdToken(id_token=_reader_form(token), type=token.type)
    listed = LocalListToken(id_token=text)
    _write_info(listed.id_token_info, token, now_us)
    return listed


def _write_info(info: IdTokenInfo, token: id_token_store.IdToken | id_token_store.TokenStatus, now_us: int) -> None:
    """The answer for a station. Only an acceptance with an end has a cache limit; refused tokens are presented anew."""
    info.status = _STATUSES[token.status]
    if token.status == "Accepted" and token.expire_us is not None:
        if token.expire_us <= now_us:
            info.status = id_token_pb2.AUTHORIZATION_STATUS_EXPIRED
        else:
            info.cache_expire_time.CopyFrom(to_timestamp(token.expire_us))
    if token.group_id_token:
        # Groups are made in the CSMS, which is the meaning of the type Central.
        info.group_id_token.id_token = token.group_id_token
        info.group_id_token.type = "Central"
    info.language, info.personal_message = token.language, token.personal_message
