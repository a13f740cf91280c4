"""ApiKeyService: keys for programs."""

import base64
import hashlib
import secrets
from collections.abc import Iterable

import grpc
from csms.auth.v1.api_key_service_pb2 import (
    ApiKey,
    CreateApiKeyRequest,
    CreateApiKeyResponse,
    ListApiKeysRequest,
    ListApiKeysResponse,
    RevokeApiKeyRequest,
    RevokeApiKeyResponse,
)
from csms.auth.v1.api_key_service_pb2_grpc import ApiKeyServiceServicer
from csms.options.v1 import options_pb2
from sqlalchemy import Connection

from auth_svc import api_key_store, role_store
from auth_svc.assigning import MAX_SITE_ID, found_permissions, read_key_assignments, read_permissions, to_messages
from auth_svc.grants import check_covers, grants_of_key
from mesh.contract.requests import check_text
from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import Clock, from_timestamp, to_timestamp

MOST_KEYS = 1000
_MAX_NAME = 100
_PREFIX_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PREFIX_LENGTH = 8


class ApiKeyServicer(ApiKeyServiceServicer):
    """ApiKeyService."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def CreateApiKey(self, request: CreateApiKeyRequest, context: Context) -> CreateApiKeyResponse:
        """Makes a key."""
        caller, given = current_caller(), request.api_key
        secret, key = self._read(given, creator=caller.subject, tenant_id=caller.tenant_id)
        assignments = read_key_assignments(given.role_assignments, field="api_key.role_assignments")
        if not key.permissions and not assignments:
            raise invalid_field("api_key.permissions", "a permission or a role is needed")

        def create(connection: Connection) -> None:
            permissions = found_permissions(connection, caller.tenant_id, assignments)
            grants = grants_of_key(key.permissions, key.site_id, assignments, permissions)
            check_covers(caller, grants, "the key gets")
            if api_key_store.count_keys(connection, caller.tenant_id) >= MOST_KEYS:
                raise MeshError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    Reason.TOO_MANY_API_KEYS,
                    f"there are {MOST_KEYS} API keys: revoke one first",
                )
            if not api_key_store.create_key(connection, key):
                raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.UNKNOWN, "the prefix is taken: try again")
            role_store.assign(connection, caller.tenant_id, f"key:{key.prefix}", assignments)

        await self._database.write(create)
        return CreateApiKeyResponse(api_key=_to_message(key, assignments), secret=secret)

    async def ListApiKeys(self, request: ListApiKeysRequest, context: Context) -> ListApiKeysResponse:
        """Lists the tenant's keys."""
        tenant_id, page = current_caller().tenant_id, page_of(request, [str])
        (after,) = page.after or ("",)
        rows = await self._database.read(
            lambda connection: api_key_store.list_keys(connection, tenant_id, after_prefix=after, limit=page.limit)
        )
        rows, next_token = page.cut(rows, lambda key: (key.prefix,))
        subjects = [f"key:{key.prefix}" for key in rows]
        assigned = await self._database.read(
            lambda connection: role_store.assignments_of(connection, tenant_id, subjects)
        )
        messages = [_to_message(key, assigned.get(f"key:{key.prefix}", ())) for key in rows]
        return ListApiKeysResponse(api_keys=messages, next_page_token=next_token)

    async def RevokeApiKey(self, request: RevokeApiKeyRequest, context: Context) -> RevokeApiKeyResponse:
        """Revokes a key."""
        tenant_id, now_us = current_caller().tenant_id, self._clock()
        revoked = is_storable(request.prefix) and await self._database.write(
            lambda connection: api_key_store.revoke_key(connection, tenant_id, request.prefix, now_us=now_us)
        )
        if not revoked:
            raise MeshError(
                grpc.StatusCode.NOT_FOUND,
                Reason.API_KEY_NOT_FOUND,
                f"there is no API key {request.prefix[:_PREFIX_LENGTH]!r}",
            )
        return RevokeApiKeyResponse()

    def _read(self, given: ApiKey, *, creator: str, tenant_id: str) -> tuple[str, api_key_store.ApiKey]:
        """A new secret, and the key for it. Raises MeshError INVALID_FIELD."""
        check_text("api_key.display_name", given.display_name, least=1, most=_MAX_NAME)
        check_text("api_key.site_id", given.site_id, most=MAX_SITE_ID)
        permissions = read_permissions(given.permissions, field="api_key.permissions")
        if options_pb2.PERMISSION_OWN_ACCOUNT in permissions:
            raise invalid_field("api_key.permissions", "OWN_ACCOUNT is for users: a key has no account")
        now_us = self._clock()
        expire_us = from_timestamp(given.expire_time) if given.HasField("expire_time") else None
        if expire_us is not None and expire_us <= now_us:
            raise invalid_field("api_key.expire_time", "must be in the future")
        prefix = "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(_PREFIX_LENGTH))
        random = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        secret = f"csms_{prefix}_{random}"
        key = api_key_store.ApiKey(
            tenant_id=tenant_id,
            prefix=prefix,
            # Random and long, so a fast hash does.
            secret_hash=hashlib.sha256(secret.encode()).hexdigest(),
            display_name=given.display_name,
            permissions=permissions,
            site_id=given.site_id,
            creator=creator,
            create_us=now_us,
            expire_us=expire_us,
        )
        return secret, key


def _to_message(key: api_key_store.ApiKey, assignments: Iterable[role_store.Assignment]) -> ApiKey:
    message = ApiKey(
        prefix=key.prefix,
        display_name=key.display_name,
        permissions=sorted(key.permissions),
        site_id=key.site_id,
        role_assignments=to_messages(assignments),
        create_time=to_timestamp(key.create_us),
        creator=key.creator,
    )
    if key.expire_us is not None:
        message.expire_time.CopyFrom(to_timestamp(key.expire_us))
    if key.last_use_us is not None:
        message.last_use_time.CopyFrom(to_timestamp(key.last_use_us))
    return message
