"""How operators manage id tokens."""

import re
from collections.abc import Sequence
from typing import Any

import grpc
from csms.auth.v1.id_token_service_pb2 import (
    CreateIdTokenRequest,
    CreateIdTokenResponse,
    DeleteIdTokenRequest,
    DeleteIdTokenResponse,
    GetIdTokenRequest,
    GetIdTokenResponse,
    IdToken,
    ListIdTokensRequest,
    ListIdTokensResponse,
    MergedIdToken,
    UpdateIdTokenRequest,
    UpdateIdTokenResponse,
)
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceServicer

from auth_svc import id_token_store
from auth_svc.id_token_store import MOST_CONCURRENT_TRANSACTIONS
from auth_svc.texts import MAX_TOKEN, MAX_TYPE, STATUSES, TYPES, canonical, fold, is_plain
from mesh.database import Database
from mesh.errors import MeshError, invalid_field
from mesh.filters import to_condition
from mesh.grpc_types import Context
from mesh.operators import current_caller
from mesh.pages import cut_page, decode_token, page_size
from mesh.times import Clock, from_timestamp, to_timestamp

# Fields of a request that may be changed, and those that a mask may name without effect: what names the token, and
# what only this system sets (AIP-203).
_MUTABLE = ("type", "status", "expire_time", "group_id_token", "display_name", "max_concurrent_transactions")
_FIXED = ("id_token", "create_time", "update_time", "reader_id_token", "merged_id_tokens")

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
            raise MeshError(
                grpc.StatusCode.ALREADY_EXISTS, "ID_TOKEN_EXISTS", f"there is an id token {given.id_token!r} already"
            )
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
        tenant_id, size = current_caller().tenant_id, page_size(request.page_size)
        condition = to_condition(request.filter, id_token_store.id_token_filters(status=_status_word, kind=_type_word))
        after = decode_token(request.page_token, [str], binding=request.filter) or ("",)
        rows = await self._database.read(
            lambda connection: id_token_store.list_id_tokens(
                connection, tenant_id, after_key=after[0], condition=condition, limit=size + 1
            )
        )
        page, next_token = cut_page(rows, size, lambda token: (fold(token.id_token),), binding=request.filter)
        return ListIdTokensResponse(id_tokens=await self._to_messages(page), next_page_token=next_token)

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


def _value(given: IdToken, name: str) -> Any:
    """What is stored for a field. Raises MeshError INVALID_FIELD."""
    path = f"id_token.{name}"
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
    if text and not is_plain(text, MAX_TOKEN):
        raise invalid_field(path, f"at most {MAX_TOKEN} printable characters are taken")
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
    """A type in OCPP's own spelling where it is one of OCPP's; others are taken as they are. Raises ValueError."""
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


def _not_found(text: str) -> MeshError:
    return MeshError(grpc.StatusCode.NOT_FOUND, "ID_TOKEN_NOT_FOUND", f"there is no id token {text[:MAX_TOKEN]!r}")


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
        merged_id_tokens=[MergedIdToken(id_token=form.id_token, status=form.status) for form in merged],
    )
