"""CallerService: the other services look callers up, and follow what changes."""

from csms.auth.v1.caller_service_pb2 import (
    ListCallerChangesRequest,
    ListCallerChangesResponse,
    ResolveCallerRequest,
    ResolveCallerResponse,
)
from csms.auth.v1.caller_service_pb2_grpc import CallerServiceServicer

from auth_svc.callers import LocalDirectory
from mesh.grpc.types import Context
from mesh.identity.caller_directory import Credential, KeyUse, PresentedKey, ResolvedCaller, SignIn
from mesh.identity.callers import NEVER_S
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import SECOND_US, from_timestamp, to_timestamp

_MOST_USES = 1000


class CallerServicer(CallerServiceServicer):
    """CallerService."""

    def __init__(self, *, directory: LocalDirectory) -> None:
        self._directory = directory

    async def ResolveCaller(self, request: ResolveCallerRequest, context: Context) -> ResolveCallerResponse:
        """Looks a caller up."""
        return _to_response(await self._directory.resolve(_to_credential(request)))

    async def ListCallerChanges(self, request: ListCallerChangesRequest, context: Context) -> ListCallerChangesResponse:
        """Waits for changes."""
        if len(request.uses) > _MOST_USES:
            raise invalid_field("uses", f"at most {_MOST_USES} are taken")
        uses = [
            KeyUse(tenant_id=use.tenant_id, prefix=use.prefix, last_us=from_timestamp(use.last_use_time))
            for use in request.uses
        ]
        wait_s = request.wait.ToMicroseconds() / SECOND_US
        found = await self._directory.changes(request.after_version, wait_s=wait_s, uses=uses)
        response = ListCallerChangesResponse(version=found.version, incomplete=found.incomplete)
        response.checked_after.FromMicroseconds(round(found.checked_after_s * SECOND_US))
        for change in found.changes:
            response.changes.add(tenant_id=change.tenant_id, subject=change.subject)
        return response


def _to_credential(request: ResolveCallerRequest) -> Credential:
    match request.WhichOneof("credential"):
        case "sign_in":
            sign_in = request.sign_in
            # The caller of this method has verified the access token, and knows its end.
            return SignIn(tenant_id=sign_in.tenant_id, username="", sign_in_id=sign_in.sign_in_id, expires_s=NEVER_S)
        case "api_key":
            return PresentedKey(prefix=request.api_key.prefix, sha256=request.api_key.sha256)
    raise invalid_field("credential", "a sign-in or an API key is needed")


def _to_response(resolved: ResolvedCaller) -> ResolveCallerResponse:
    caller = resolved.caller
    response = ResolveCallerResponse(
        tenant_id=caller.tenant_id,
        username="" if caller.api_key_prefix else caller.username,
        api_key_prefix=caller.api_key_prefix,
        role=int(caller.role or 0),  # type: ignore[arg-type]  # numbered alike
        subjects=sorted(resolved.subjects),
        version=resolved.version,
    )
    if caller.expires_s < NEVER_S:
        response.expire_time.CopyFrom(to_timestamp(caller.expires_s * SECOND_US))
    for grant in caller.grants:
        response.grants.add(permissions=sorted(grant.permissions), site_id=grant.site_id)
    return response
