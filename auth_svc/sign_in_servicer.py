"""SignInService: the sign-ins of users, listed and ended."""

import grpc
from csms.auth.v1.sign_in_service_pb2 import (
    EndAllSignInsRequest,
    EndAllSignInsResponse,
    EndSignInRequest,
    EndSignInResponse,
    ListAllSignInsRequest,
    ListAllSignInsResponse,
    ListSignInsRequest,
    ListSignInsResponse,
    SignIn,
)
from csms.auth.v1.sign_in_service_pb2_grpc import SignInServiceServicer
from csms.options.v1 import options_pb2

from auth_svc import session_store, user_store, usernames
from auth_svc.grants import check_permission
from auth_svc.session_store import Session
from auth_svc.users import check_findable, user_not_found
from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.database.pages import Page, page_of
from mesh.grpc.types import Context
from mesh.identity.callers import Caller, current_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock, to_timestamp


class SignInServicer(SignInServiceServicer):
    """SignInService."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def ListSignIns(self, request: ListSignInsRequest, context: Context) -> ListSignInsResponse:
        """Lists those of one user."""
        caller = current_caller()
        key = await self._key(caller, request.username)
        sign_ins, next_token = await self._page(page_of(request, [int, str]), caller, key)
        return ListSignInsResponse(sign_ins=sign_ins, next_page_token=next_token)

    async def ListAllSignIns(self, request: ListAllSignInsRequest, context: Context) -> ListAllSignInsResponse:
        """Lists those of all users of the tenant."""
        sign_ins, next_token = await self._page(page_of(request, [int, str]), current_caller(), None)
        return ListAllSignInsResponse(sign_ins=sign_ins, next_page_token=next_token)

    async def EndSignIn(self, request: EndSignInRequest, context: Context) -> EndSignInResponse:
        """Ends one."""
        caller, now_us = current_caller(), self._clock()
        own_key = None if _may_end_others(caller) else await self._key(caller, "")
        ended = is_storable(request.sign_in_id) and await self._database.write(
            lambda connection: session_store.end_session(
                connection, caller.tenant_id, request.sign_in_id, now_us=now_us, username_key=own_key
            )
        )
        if not ended:
            raise MeshError(
                grpc.StatusCode.NOT_FOUND, Reason.SIGN_IN_NOT_FOUND, "there is no such sign-in, or it has ended"
            )
        return EndSignInResponse()

    async def EndAllSignIns(self, request: EndAllSignInsRequest, context: Context) -> EndAllSignInsResponse:
        """Ends those of one user."""
        caller, now_us = current_caller(), self._clock()
        key = await self._key(caller, request.username)
        kept = caller.session_id if request.keep_current else ""
        ended = await self._database.write(
            lambda connection: session_store.end_sessions(
                connection, caller.tenant_id, key, now_us=now_us, kept_session_id=kept
            )
        )
        return EndAllSignInsResponse(ended=ended)

    async def _key(self, caller: Caller, username: str) -> str:
        """The key of a user whose sign-ins the caller may see and end; of the caller where the name is empty."""
        if username and usernames.key(username) != usernames.key(caller.username):
            check_permission(caller, options_pb2.PERMISSION_SIGN_INS_WRITE, "to see or end another's sign-ins")
        name = username or caller.username
        check_findable(name)
        key = await self._database.read(lambda connection: user_store.find_key(connection, caller.tenant_id, name))
        if key is None:
            raise user_not_found(name)
        return key

    async def _page(self, page: Page, caller: Caller, key: str | None) -> tuple[list[SignIn], str]:
        now_us = self._clock()
        rows = await self._database.read(
            lambda connection: session_store.list_sessions(
                connection,
                caller.tenant_id,
                username_key=key,
                now_us=now_us,
                before=page.after,
                limit=page.limit,
            )
        )
        rows, next_token = page.cut(rows, lambda row: (row[0].create_us, row[0].session_id))
        return [_to_message(session, username, caller) for session, username in rows], next_token


def _may_end_others(caller: Caller) -> bool:
    scope = caller.scope(options_pb2.PERMISSION_SIGN_INS_WRITE)
    return scope is not None and scope.is_whole


def _to_message(session: Session, username: str, caller: Caller) -> SignIn:
    return SignIn(
        sign_in_id=session.session_id,
        username=username,
        create_time=to_timestamp(session.create_us),
        refresh_time=to_timestamp(session.refresh_us),
        expire_time=to_timestamp(session.expire_us),
        user_agent=session.user_agent,
        address=session.address,
        current=session.session_id == caller.session_id,
    )
