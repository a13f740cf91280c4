"""Id tokens in the form that readers send: looked up in auth_svc before a station is sent one."""

import grpc
from csms.auth.v1.authorization_service_pb2 import FindReaderFormsRequest
from csms.auth.v1.authorization_service_pb2_grpc import AuthorizationServiceStub
from csms.common.v1.id_token_pb2 import IdToken

from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

# It is one look into an index. The command has the rest of the caller's time.
TIMEOUT_S = 1.0
_SHARE = 0.25
# An id tag of OCPP 1.6 has no more characters; no version has a shorter one.
_ANY_VERSION = 20
# Types that readers of every version of 2.x read. A station compares the type of a token, too.
_READ_TYPES = frozenset({"eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress"})


class ReaderForms:
    """Asks auth_svc for at most `timeout_s` seconds, and at most a quarter of the caller's time."""

    def __init__(self, *, channel: grpc.aio.Channel, timeout_s: float = TIMEOUT_S) -> None:
        self._stub = AuthorizationServiceStub(channel)
        self._timeout_s = timeout_s

    async def apply(self, id_token: IdToken, context: Context | None) -> None:
        """Writes the token, in place, as readers send it: a station compares the two letter by letter.

        A token that is not known stays as it is, as does one whose form would be too long for OCPP 1.6 where what was
        given is not. Without an answer it stays as it is too: the command is worth more than its form. A token without
        a type gets the registered one.
        """
        if not id_token.id_token:
            return
        request = FindReaderFormsRequest(tenant_id=current_caller().tenant_id, id_tokens=[id_token.id_token])
        left_s: float | None = (
            None if context is None else context.time_remaining()  # type: ignore[no-untyped-call,unused-ignore]
        )
        timeout_s = self._timeout_s if left_s is None else min(self._timeout_s, left_s * _SHARE)
        try:
            answer = await self._stub.FindReaderForms(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            log.warning("form of an id token not looked up", code=error.code().name)
            return
        form = answer.reader_id_tokens[0] if answer.reader_id_tokens else ""
        if form and len(form) <= max(_ANY_VERSION, len(id_token.id_token)):
            id_token.id_token = form
        if not id_token.type and answer.types and answer.types[0] in _READ_TYPES:
            id_token.type = answer.types[0]
