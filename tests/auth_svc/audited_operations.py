"""The changes of operators in auth_svc, each with few names, so that they meet each other."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from csms.auth.v1 import api_key_service_pb2 as key_pb
from csms.auth.v1 import driver_erasure_service_pb2 as erasure_pb
from csms.auth.v1 import id_token_service_pb2 as token_pb
from csms.auth.v1 import invitation_service_pb2 as invitation_pb
from csms.auth.v1 import role_service_pb2 as role_pb
from csms.auth.v1 import tenant_service_pb2 as tenant_pb
from csms.auth.v1 import user_service_pb2 as user_pb
from csms.auth.v1.driver_erasure_service_pb2_grpc import DriverErasureServiceStub
from csms.auth.v1.tenant_pb2 import Tenant, TenantQuotas, TenantSettings
from csms.auth.v1.tenant_service_pb2_grpc import TenantServiceStub
from csms.auth.v1.user_service_pb2 import RoleAssignment
from csms.options.v1 import options_pb2
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st

from auth_svc import invitation_store, seen_token_store
from auth_svc.seen_token_store import SeenToken
from mesh.runtime.times import SECOND_US, to_timestamp
from tests.auth_svc.conftest import Auth, bearer

PASSWORD = "another horse battery"
PLATFORM_PASSWORD = "a battery of staples"
NAMES = ("ada", "bob", "Cy")
TOKENS = ("04AB", "DE-ABC-C123", "t")
ROLE_IDS = ("night", "day")
TENANTS = ("acme", "bolt")

_few = st.sampled_from
_user, _role_id, _tenant = _few(NAMES), _few(ROLE_IDS), _few(TENANTS)
_role = _few([user_pb.ROLE_VIEWER, user_pb.ROLE_OPERATOR, user_pb.ROLE_ADMINISTRATOR, user_pb.ROLE_UNSPECIFIED])
_number = st.integers(0, 5)
_assignments = st.lists(
    st.builds(RoleAssignment, role_id=_few([*ROLE_IDS, "VIEWER"]), site_id=_few(["", "berlin"])), max_size=2
)
_permissions = st.lists(
    _few([options_pb2.PERMISSION_STATIONS_READ, options_pb2.PERMISSION_EVENTS_READ]), min_size=1, unique=True
)
_custom_role = st.fixed_dictionaries(
    {"role_id": _role_id, "permissions": _permissions}, optional={"display_name": _few(["Night", "Ö"])}
)
_id_token = st.fixed_dictionaries(
    {"id_token": _few(TOKENS)},
    optional={
        "status": _few(["Accepted", "Blocked", "Invalid"]),
        "type": _few(["ISO14443", "Central"]),
        "display_name": _few(["Ada", "", "Ö"]),
        "group_id_token": _few(["", "FLEET"]),
        "max_concurrent_transactions": st.integers(0, 3),
        "expire_time": st.integers(0, 10**9).map(lambda seconds: Timestamp(seconds=seconds, nanos=5000)),
    },
)
_settings = st.builds(TenantSettings, onboarding=_number.map(lambda n: n % 2), message_log_days=_number)
_changed_tenant = st.fixed_dictionaries(
    {"tenant_id": _tenant},
    optional={
        "display_name": _few(["Acme", "Bolt"]),
        "host_name": _few(["acme.example.org", "bolt.example.org"]),
        "quotas": st.builds(TenantQuotas, max_stations=_number),
        "settings": _settings,
    },
)

OPERATIONS: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    "UserService/Register": st.fixed_dictionaries({"username": _user, "role": _role, "role_assignments": _assignments}),
    "UserService/UpdateUser": st.fixed_dictionaries(
        {"username": _user}, optional={"role": _role, "role_assignments": _assignments}
    ),
    "UserService/DeleteUser": st.fixed_dictionaries({"username": _user}),
    "RoleService/CreateRole": _custom_role,
    "RoleService/UpdateRole": _custom_role,
    "RoleService/DeleteRole": st.fixed_dictionaries({"role_id": _role_id}),
    "ApiKeyService/CreateApiKey": st.fixed_dictionaries(
        {"permissions": _permissions, "display_name": _few("ab"), "role_assignments": _assignments},
        optional={"site_id": _few(["", "berlin"])},
    ),
    "ApiKeyService/RevokeApiKey": st.fixed_dictionaries({"number": _number}),
    "InvitationService/CreateInvitation": st.fixed_dictionaries(
        {"username": _user, "role": _role, "role_assignments": _assignments}
    ),
    "InvitationService/RevokeInvitation": st.fixed_dictionaries({"number": _number}),
    "InvitationService/AcceptInvitation": st.fixed_dictionaries({"number": _number}),
    "IdTokenService/CreateIdToken": _id_token,
    "IdTokenService/UpdateIdToken": _id_token,
    "IdTokenService/AddSeenIdToken": st.fixed_dictionaries({"id_token": _few(TOKENS)}),
    "IdTokenService/DeleteIdToken": st.fixed_dictionaries({"id_token": _few(TOKENS)}),
    "DriverErasureService/CreateDriverErasure": st.fixed_dictionaries({"id_token": _few(TOKENS)}),
    "TenantService/CreateTenant": _changed_tenant,
    "TenantService/UpdateTenant": _changed_tenant,
    "TenantService/SuspendTenant": st.fixed_dictionaries({"tenant_id": _tenant}),
    "TenantService/ResumeTenant": st.fixed_dictionaries({"tenant_id": _tenant}),
    "TenantService/DeleteTenant": st.fixed_dictionaries({"tenant_id": _tenant}),
    "TenantService/UpdateOwnTenantSettings": st.fixed_dictionaries({"settings": _settings}),
}
"""The values of each method that changes audited fields."""

_SESSION = "a session is recorded, and is no audited state: it ends by itself"
_SECRET = "a secret, of which entries tell that it changed"
STATELESS: Mapping[str, str] = {
    "UserService/Login": _SESSION,
    "UserService/Logout": _SESSION,
    "SignInService/EndSignIn": _SESSION,
    "SignInService/EndAllSignIns": _SESSION,
    "UserService/ChangePassword": _SECRET,
    "UserService/ResetPassword": _SECRET,
    "UserService/RotateSigningKeys": _SECRET,
    "CertificateService/RevokeCertificate": "a certificate is never changed in another way; its entry has the reason",
}
"""The other methods of AUDIT_CHANGE, and why they change no audited field."""


WAIT = "wait"
"""An operation of nobody: what ends by time does."""


class Operator:
    """Applies operations, as an administrator or a platform administrator."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth
        self._tenants: Any = TenantServiceStub(auth.operator_channel)
        self._prefixes: list[str] = []
        self._invitations: list[tuple[str, str]] = []  # ids and tokens

    async def apply(self, name: str, values: dict[str, Any]) -> None:
        """One operation of OPERATIONS. Raises AioRpcError where it is refused."""
        if name == WAIT:
            await self._wait()
            return
        service, _, method = name.partition("/")
        if service == "TenantService":
            await self._apply_to_tenant(method, values)
        else:
            self._auth.clock.advance(1)
            await getattr(self, f"_{service}")(method, values, await self._auth.admin())

    async def _wait(self) -> None:
        """Time passes, and invitations end."""
        self._auth.clock.advance(8 * 86_400)
        ended = partial(invitation_store.remove_ended, now_us=self._auth.clock(), limit=100)
        await self._auth.database.write(ended)

    async def _apply_to_tenant(self, method: str, values: dict[str, Any]) -> None:
        caller = bearer(await self._auth.login("platform", PLATFORM_PASSWORD, tenant_id="platform"))
        if method == "UpdateOwnTenantSettings":
            caller = await self._auth.admin()
        elif method in {"CreateTenant", "UpdateTenant"}:
            values = {"tenant": Tenant(**values)}
        request = getattr(tenant_pb, f"{method}Request")(**values)
        await getattr(self._tenants, method)(request, metadata=caller)

    async def _UserService(self, method: str, values: dict[str, Any], admin: Any) -> None:
        if method == "Register":
            values = values | {"password": PASSWORD}
        elif method == "UpdateUser":
            mask = FieldMask(paths=sorted(values.keys() - {"username"}))
            values = {"user": user_pb.User(**values), "update_mask": mask}
        request = getattr(user_pb, f"{method}Request")(**values)
        await getattr(self._auth.users, method)(request, metadata=admin)

    async def _RoleService(self, method: str, values: dict[str, Any], admin: Any) -> None:
        if method != "DeleteRole":
            values = {"role": role_pb.CustomRole(**values)}
        await getattr(self._auth.roles, method)(getattr(role_pb, f"{method}Request")(**values), metadata=admin)

    async def _ApiKeyService(self, method: str, values: dict[str, Any], admin: Any) -> None:
        keys = self._auth.api_keys
        if method == "CreateApiKey":
            over = to_timestamp(self._auth.clock() + 86_400 * SECOND_US)
            request = key_pb.CreateApiKeyRequest(api_key=key_pb.ApiKey(**values, expire_time=over))
            self._prefixes.append((await keys.CreateApiKey(request, metadata=admin)).api_key.prefix)
        elif self._prefixes:
            prefix = self._prefixes[values["number"] % len(self._prefixes)]
            await keys.RevokeApiKey(key_pb.RevokeApiKeyRequest(prefix=prefix), metadata=admin)

    async def _InvitationService(self, method: str, values: dict[str, Any], admin: Any) -> None:
        stub = self._auth.invitations
        if method == "CreateInvitation":
            request = invitation_pb.CreateInvitationRequest(invitation=invitation_pb.Invitation(**values))
            made = await stub.CreateInvitation(request, metadata=admin)
            self._invitations.append((made.invitation.invitation_id, made.token))
            return
        if not self._invitations:
            return
        invitation_id, token = self._invitations[values["number"] % len(self._invitations)]
        if method == "RevokeInvitation":
            revoke = invitation_pb.RevokeInvitationRequest(invitation_id=invitation_id)
            await stub.RevokeInvitation(revoke, metadata=admin)
        else:
            await stub.AcceptInvitation(invitation_pb.AcceptInvitationRequest(token=token, password=PASSWORD))

    async def _IdTokenService(self, method: str, values: dict[str, Any], admin: Any) -> None:
        if method == "AddSeenIdToken":
            await self._see(values["id_token"])
        elif method != "DeleteIdToken":
            values = {"id_token": token_pb.IdToken(**values)}
        request = getattr(token_pb, f"{method}Request")(**values)
        await getattr(self._auth.id_tokens, method)(request, metadata=admin)

    async def _DriverErasureService(self, method: str, values: dict[str, Any], admin: Any) -> None:
        stub: Any = DriverErasureServiceStub(self._auth.operator_channel)
        await getattr(stub, method)(erasure_pb.CreateDriverErasureRequest(**values), metadata=admin)

    async def _see(self, id_token: str) -> None:
        """A station has asked for a token."""
        now_us = self._auth.clock()
        seen = SeenToken(
            tenant_id="default",
            id_token=id_token,
            type="ISO14443",
            station_id="CP1",
            evse_id=1,
            connector_id=1,
            first_us=now_us,
            last_us=now_us,
            count=1,
        )
        await self._auth.database.write(lambda connection: seen_token_store.record(connection, [seen]))
