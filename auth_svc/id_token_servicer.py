"""IdTokenService: operators manage id tokens."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import grpc
from csms.auth.v1.id_token_service_pb2 import (
    AddSeenIdTokenRequest,
    AddSeenIdTokenResponse,
    CreateIdTokenRequest,
    CreateIdTokenResponse,
    DeleteIdTokenRequest,
    DeleteIdTokenResponse,
    GetIdTokenRequest,
    GetIdTokenResponse,
    IdToken,
    ListIdTokensRequest,
    ListIdTokensResponse,
    ListSeenIdTokensRequest,
    ListSeenIdTokensResponse,
    MergedIdToken,
    SeenIdToken,
    UpdateIdTokenRequest,
    UpdateIdTokenResponse,
)
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceServicer
from sqlalchemy import Connection

from auth_svc import id_token_store, seen_token_store
from auth_svc.id_token_store import MOST_CONCURRENT_TRANSACTIONS
from auth_svc.normalization import MAX_TOKEN, MAX_TYPE, STATUSES, TYPES, canonical, fold, is_plain
from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import Clock, from_timestamp, to_timestamp

# Fields of a request that may be changed, and those that a mask may name without effect: what names the token, and
# what only this system sets (AIP-203).
_MUTABLE = (
    *("type", "status", "expire_time", "group_id_token", "display_name", "max_concurrent_transactions"),
    *("language", "personal_message"),
)
_FIXED = ("id_token", "create_time", "update_time", "reader_id_token", "merged_id_tokens")

# Most characters of texts that are not tokens.
_LENGTHS = {"language": 8, "personal_message": 512}

# protobuf's Timestamp, 0001-01-01 to 9999-12-31, in seconds since 1970.
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799


class IdTokenServicer(IdTokenServiceServicer):
    """IdTokenService."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def CreateIdToken(self, request: CreateIdTokenRequest, context: Context) -> CreateIdTokenResponse:
        """Adds one."""
        given, now_us = request.id_token, self._clock()
        if not is_plain(given.id_token, MAX_TOKEN):
            raise invalid_field("id_token.id_token", f"1 to {MAX_TOKEN} printable characters are needed")
        token = id_token_store.IdToken(
            tenant_id=current_caller().tenant_id,
            id_token=given.id_token,
            create_us=now_us,
            update_us=now_us,
            **{_COLUMNS.get(name, name): _value(given, name) for name in _MUTABLE},
        )
        if not await self._database.write(lambda connection: id_token_store.create_id_token(connection, token)):
            raise _exists(given.id_token)
        return CreateIdTokenResponse(id_token=_to_message(token))

    async def GetIdToken(self, request: GetIdTokenRequest, context: Context) -> GetIdTokenResponse:
        """Reads one."""
        tenant_id, text = current_caller().tenant_id, _known_form(request.id_token)
        token = await self._database.read(lambda connection: id_token_store.get_id_token(connection, tenant_id, text))
        if token is None:
            raise _not_found(text)
        return GetIdTokenResponse(id_token=(await self._to_messages([token]))[0])

    async def ListIdTokens(self, request: ListIdTokensRequest, context: Context) -> ListIdTokensResponse:
        """Lists them by their folded text."""
        tenant_id = current_caller().tenant_id
        condition = to_condition(request.filter, id_token_store.id_token_filters(status=_status_word, kind=_type_word))
        page = page_of(request, [str], binding=request.filter, condition=condition)
        (after_key,) = page.after or ("",)
        rows = await self._database.read(
            lambda connection: id_token_store.list_id_tokens(
                connection, tenant_id, after_key=after_key, condition=condition, limit=page.limit
            )
        )
        rows, next_token = page.cut(rows, lambda token: (fold(token.id_token),))
        return ListIdTokensResponse(id_tokens=await self._to_messages(rows), next_page_token=next_token)

    async def ListSeenIdTokens(self, request: ListSeenIdTokensRequest, context: Context) -> ListSeenIdTokensResponse:
        """Lists the unknown tokens that stations requested, the latest first."""
        tenant_id, page = current_caller().tenant_id, page_of(request, [int, str])
        rows = await self._database.read(
            lambda connection: seen_token_store.list_seen(connection, tenant_id, after=page.after, limit=page.limit)
        )
        rows, next_token = page.cut(rows, lambda seen: (seen.last_us, seen.key[1]))
        return ListSeenIdTokensResponse(seen_id_tokens=map(_to_seen, rows), next_page_token=next_token)

    async def AddSeenIdToken(self, request: AddSeenIdTokenRequest, context: Context) -> AddSeenIdTokenResponse:
        """Adds one of them, as it was seen."""
        tenant_id, text, now_us = current_caller().tenant_id, _seen_form(request.id_token), self._clock()
        given = IdToken(status=request.status, display_name=request.display_name, group_id_token=request.group_id_token)
        values = {_COLUMNS.get(name, name): _value(given, name, prefix="") for name in _MUTABLE if name != "type"}
        added = await self._database.write(
            partial(_add_seen, tenant_id=tenant_id, text=text, values=values, now_us=now_us)
        )
        return AddSeenIdTokenResponse(id_token=_to_message(added))

    async def UpdateIdToken(self, request: UpdateIdTokenRequest, context: Context) -> UpdateIdTokenResponse:
        """Changes one."""
        tenant_id, text, now_us = current_caller().tenant_id, _known_form(request.id_token.id_token), self._clock()
        changes = {_COLUMNS.get(name, name): _value(request.id_token, name) for name in _masked(request)}
        token = await self._database.write(
            lambda connection: id_token_store.update_id_token(
                connection, tenant_id, text, changes=changes, now_us=now_us
            )
        )
        if token is None:
            raise _not_found(text)
        return UpdateIdTokenResponse(id_token=(await self._to_messages([token]))[0])

    async def DeleteIdToken(self, request: DeleteIdTokenRequest, context: Context) -> DeleteIdTokenResponse:
        """Removes one."""
        tenant_id, text, now_us = current_caller().tenant_id, _known_form(request.id_token), self._clock()
        deleted = await self._database.write(
            lambda connection: id_token_store.delete_id_token(connection, tenant_id, text, now_us=now_us)
        )
        if not deleted:
            raise _not_found(text)
        return DeleteIdTokenResponse()

    async def _to_messages(self, tokens: Sequence[id_token_store.IdToken]) -> list[IdToken]:
        """Id tokens as the contract has them, with the forms that were merged into them."""
        tenant_id = current_caller().tenant_id
        merged = await self._database.read(
            lambda connection: id_token_store.merged_forms(connection, tenant_id, tokens)
        )
        return [_to_message(token, merged.get(token.id_token, ())) for token in tokens]


def _add_seen(
    connection: Connection, *, tenant_id: str, text: str, values: Mapping[str, Any], now_us: int
) -> id_token_store.IdToken:
    seen = seen_token_store.remove(connection, tenant_id, text)
    if seen is None:
        raise _not_seen(text)
    token = id_token_store.IdToken(
        tenant_id=tenant_id,
        id_token=seen.id_token.strip(),
        type=canonical(seen.type, TYPES, prefix="ID_TOKEN_TYPE") or seen.type[:MAX_TYPE],
        create_us=now_us,
        update_us=now_us,
        **values,
    )
    if not id_token_store.create_id_token(connection, token):
        raise _exists(token.id_token)
    return token


# Where a column is not called as its field.
_COLUMNS = {"expire_time": "expire_us"}


def _masked(request: UpdateIdTokenRequest) -> list[str]:
    """The fields to change; `*` means all.

    Without a mask those that hold something, so that a PATCH clears nothing by leaving it out (AIP-134).
    """
    paths = [_snake(path) for path in request.update_mask.paths]
    for path in paths:
        if path not in (*_MUTABLE, *_FIXED, "*"):
            raise invalid_field("update_mask", f"{path!r} is not a field to change; these are: {', '.join(_MUTABLE)}")
    if "*" in paths:
        return list(_MUTABLE)
    if paths:
        return [name for name in _MUTABLE if name in paths]
    return [descriptor.name for descriptor, _ in request.id_token.ListFields() if descriptor.name in _MUTABLE]


def _snake(path: str) -> str:
    """A path as protobuf's JSON writes it (displayName), too."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: f"_{match[1].lower()}", path.strip())


def _value(given: IdToken, name: str, *, prefix: str = "id_token.") -> Any:
    """The value that is stored for a field. Raises MeshError INVALID_FIELD."""
    path = f"{prefix}{name}"
    if name == "expire_time":
        return _expire_us(given, path)
    if name == "max_concurrent_transactions":
        return _max_concurrent_transactions(given, path)
    text = str(getattr(given, name))
    try:
        if name == "status":
            return _status_word(text or STATUSES[0])
        if name == "type":
            return _type_word(text)
    except ValueError as error:
        raise invalid_field(path, str(error)) from error
    most = _LENGTHS.get(name, MAX_TOKEN)
    if text and not is_plain(text, most):
        raise invalid_field(path, f"at most {most} printable characters are taken")
    return text


def _expire_us(given: IdToken, path: str) -> int | None:
    if not given.HasField("expire_time"):
        return None
    if not _FIRST_S <= given.expire_time.seconds <= _LAST_S or not 0 <= given.expire_time.nanos < 1_000_000_000:
        raise invalid_field(path, "it is not a time between the years 1 and 9999")
    return from_timestamp(given.expire_time)


def _max_concurrent_transactions(given: IdToken, path: str) -> int | None:
    if not given.HasField("max_concurrent_transactions"):
        return None
    if not 0 <= given.max_concurrent_transactions <= MOST_CONCURRENT_TRANSACTIONS:
        raise invalid_field(path, f"a number from 0 (any number) to {MOST_CONCURRENT_TRANSACTIONS} is needed")
    return given.max_concurrent_transactions


def _status_word(text: str) -> str:
    """A status in OCPP's own spelling. Raises ValueError."""
    word = canonical(text, STATUSES, prefix="AUTHORIZATION_STATUS")
    if word is None:
        raise ValueError(f"{text!r} is not one of {', '.join(STATUSES)}")
    return word


def _type_word(text: str) -> str:
    """A type in OCPP's own spelling where it is one of OCPP's; other types stay as they are. Raises ValueError."""
    word = canonical(text, TYPES, prefix="ID_TOKEN_TYPE")
    if word is not None or not text:
        return word or ""
    if not is_plain(text, MAX_TYPE):
        raise ValueError(f"a type has at most {MAX_TYPE} printable characters; OCPP's own are {', '.join(TYPES)}")
    return text


def _known_form(text: str) -> str:
    """The text, where an id token could have it."""
    if not is_plain(text.strip(), MAX_TOKEN):
        raise _not_found(text)
    return text.strip()


def _seen_form(text: str) -> str:
    """The text, where an id token could have been seen with it; a station may have put blanks around it."""
    if not text.isprintable() or not 1 <= len(text) <= MAX_TOKEN:
        raise _not_seen(text)
    return text


def _not_seen(text: str) -> MeshError:
    return MeshError(
        grpc.StatusCode.NOT_FOUND,
        Reason.ID_TOKEN_NOT_SEEN,
        f"no station asked for an id token {text[:MAX_TOKEN]!r} lately; CreateIdToken adds any",
    )


def _exists(text: str) -> MeshError:
    return MeshError(grpc.StatusCode.ALREADY_EXISTS, Reason.ID_TOKEN_EXISTS, f"there is an id token {text!r} already")


def _to_seen(seen: seen_token_store.SeenToken) -> SeenIdToken:
    message = SeenIdToken(
        id_token=seen.id_token,
        type=seen.type,
        station_id=seen.station_id,
        first_seen_time=to_timestamp(seen.first_us),
        last_seen_time=to_timestamp(seen.last_us),
        count=seen.count,
    )
    if seen.evse_id:
        message.evse.evse_id, message.evse.connector_id = seen.evse_id, seen.connector_id
    return message


def _not_found(text: str) -> MeshError:
    return MeshError(grpc.StatusCode.NOT_FOUND, Reason.ID_TOKEN_NOT_FOUND, f"there is no id token {text[:MAX_TOKEN]!r}")


def _to_message(token: id_token_store.IdToken, merged: Sequence[id_token_store.MergedForm] = ()) -> IdToken:
    return IdToken(
        id_token=token.id_token,
        type=token.type,
        status=token.status,
        expire_time=None if token.expire_us is None else to_timestamp(token.expire_us),
        group_id_token=token.group_id_token,
        display_name=token.display_name,
        create_time=to_timestamp(token.create_us),
        update_time=to_timestamp(token.update_us),
        max_concurrent_transactions=token.max_concurrent_transactions,
        reader_id_token=token.reader_id_token,
        language=token.language,
        personal_message=token.personal_message,
        merged_id_tokens=[MergedIdToken(id_token=form.id_token, status=form.status) for form in merged],
    )
