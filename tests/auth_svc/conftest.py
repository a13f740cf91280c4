"""auth_svc as it runs: both its ports on this machine, a real database, a clock that stands still."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import msgspec
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from csms.auth.v1.api_key_service_pb2_grpc import ApiKeyServiceStub
from csms.auth.v1.authorization_service_pb2_grpc import AuthorizationServiceStub
from csms.auth.v1.certificate_authority_service_pb2_grpc import CertificateAuthorityServiceStub
from csms.auth.v1.certificate_exchange_service_pb2_grpc import CertificateExchangeServiceStub
from csms.auth.v1.certificate_service_pb2_grpc import CertificateServiceStub
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from csms.auth.v1.invitation_service_pb2_grpc import InvitationServiceStub
from csms.auth.v1.role_service_pb2_grpc import RoleServiceStub
from csms.auth.v1.sign_in_service_pb2_grpc import SignInServiceStub
from csms.auth.v1.user_service_pb2 import LoginRequest, LoginResponse
from csms.auth.v1.user_service_pb2_grpc import UserServiceStub

from auth_svc import models
from auth_svc.authorization_servicer import ConcurrencyRule
from auth_svc.certificate_office import CertificateRules
from auth_svc.certificate_statuses import OcspRules
from auth_svc.ev_certificates import EvCertificateProvider, NoProvider
from auth_svc.key_encryption import KeyRing
from auth_svc.keys import SigningKeys
from auth_svc.outside_revocations import ClientRules
from auth_svc.service import build
from auth_svc.settings import AuthSettings
from auth_svc.v2g_signing import NoV2gSigner, V2gSigner
from mesh.contract.services import MESH_SERVICES, OPERATOR_SERVICES
from mesh.database.engine import Database, make_engine
from mesh.grpc.servers import mesh_server, operator_server
from mesh.identity.front_door import ADDRESS_HEADER, PROOF_HEADER, proof_of
from mesh.identity.operator_access import OperatorAccess
from mesh.identity.operators import KeySource
from mesh.runtime.background import Background
from mesh.runtime.errors import from_rpc_error
from tests.audited import every_change_is_audited  # noqa: F401 - a fixture
from tests.conftest import FakeClock
from tests.mesh_identities import identity_of, mesh_settings, open_callers_channel

if TYPE_CHECKING:  # these are there for the type checker only
    from csms.auth.v1.api_key_service_pb2_grpc import ApiKeyServiceAsyncStub
    from csms.auth.v1.authorization_service_pb2_grpc import AuthorizationServiceAsyncStub
    from csms.auth.v1.certificate_authority_service_pb2_grpc import CertificateAuthorityServiceAsyncStub
    from csms.auth.v1.certificate_exchange_service_pb2_grpc import CertificateExchangeServiceAsyncStub
    from csms.auth.v1.certificate_service_pb2_grpc import CertificateServiceAsyncStub
    from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceAsyncStub
    from csms.auth.v1.invitation_service_pb2_grpc import InvitationServiceAsyncStub
    from csms.auth.v1.role_service_pb2_grpc import RoleServiceAsyncStub
    from csms.auth.v1.sign_in_service_pb2_grpc import SignInServiceAsyncStub
    from csms.auth.v1.user_service_pb2_grpc import UserServiceAsyncStub

PASSWORD = "correct horse"
FRONT_DOOR_SECRET = "front-door-secret-of-the-tests"
# argon2id with the least it takes: these tests are about what is done with it.
FAST_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

Metadata = Sequence[tuple[str, str]]


@dataclass(kw_only=True)
class Auth:
    """A running auth_svc, and stubs for it."""

    database: Database
    clock: FakeClock
    keys: KeySource
    access: OperatorAccess
    background: Sequence[Background]
    mesh_address: str
    operator_channel: grpc.aio.Channel
    users: "UserServiceAsyncStub"
    roles: "RoleServiceAsyncStub"
    api_keys: "ApiKeyServiceAsyncStub"
    sign_ins: "SignInServiceAsyncStub"
    invitations: "InvitationServiceAsyncStub"
    id_tokens: "IdTokenServiceAsyncStub"
    authorization: "AuthorizationServiceAsyncStub"
    certificates: "CertificateServiceAsyncStub"
    signing: "CertificateAuthorityServiceAsyncStub"
    exchange: "CertificateExchangeServiceAsyncStub"
    announced: list[str] = field(default_factory=list)

    async def login(
        self,
        username: str = "admin",
        password: str = PASSWORD,
        *,
        address: str | None = None,
        tenant_id: str = "",
    ) -> LoginResponse:
        """A session of this user, who logs in from this address."""
        metadata = () if address is None else from_address(address)
        request = LoginRequest(username=username, password=password, tenant_id=tenant_id)
        return await self.users.Login(request, metadata=metadata)

    async def admin(self) -> Metadata:
        """Metadata of the administrator's calls."""
        return bearer(await self.login())

    async def events(self, kind: str) -> list[dict[str, Any]]:
        """The data of the outbox's events of this type, oldest first."""
        query = sa.select(models.outbox.c.data).where(models.outbox.c.type == kind).order_by(models.outbox.c.outbox_id)
        texts = await self.database.read(lambda connection: connection.execute(query).scalars().all())
        return [msgspec.json.decode(text) for text in texts]


StartAuth = Callable[..., Awaitable[Auth]]


def bearer(session: Any) -> Metadata:
    """The metadata of a call with the access token of a Login or Refresh response."""
    return (("authorization", f"Bearer {session.access_token}"),)


def from_address(address: str) -> Metadata:
    """The metadata of a call that the front door passes on from an address."""
    return ((PROOF_HEADER.lower(), proof_of(FRONT_DOOR_SECRET)), (ADDRESS_HEADER.lower(), address))


@contextmanager
def refused(code: grpc.StatusCode, reason: str, field_name: str | None = None) -> Iterator[None]:
    """Expects that a call fails with this code and reason, on this field."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason) == (code, reason), error
    assert error.metadata.get("field") == field_name


@pytest.fixture
def schemas() -> tuple[str, ...]:
    """The database has the schema of auth_svc."""
    return ("auth",)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with auth_svc's schema."""
    database = Database(engine=make_engine(database_url, "auth"))
    yield database
    await database.close()


@pytest.fixture
async def start_auth(database: Database, clock: FakeClock) -> AsyncIterator[StartAuth]:
    """Starts auth_svc with the settings given; several at once are replicas."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            accept_unknown: bool = False,
            open_registration: bool = False,
            admin_password: str | None = PASSWORD,
            certificates: CertificateRules | None = None,
            concurrency: ConcurrencyRule | None = None,
            platform_admin_password: str | None = None,
            admits_anyone: bool = True,
            ocsp: OcspRules | None = None,
            ev_certificates: EvCertificateProvider | None = None,
            v2g_signer: V2gSigner | None = None,
            clients: ClientRules | None = None,
            ring: KeyRing | None = None,
        ) -> Auth:
            settings = AuthSettings(
                accept_unknown_tokens=accept_unknown,
                open_registration=open_registration,
                admin_password=admin_password,
                platform_admin_password=platform_admin_password,
                admits_anyone=admits_anyone,
                mesh=mesh_settings("auth"),
                outbox_days=7,
                certificates=certificates or CertificateRules(),
                concurrency=concurrency or ConcurrencyRule(),
                ocsp=ocsp or OcspRules(),
                ev_certificates=ev_certificates or NoProvider(),
                v2g_signer=v2g_signer or NoV2gSigner(),
                clients=clients or ClientRules(),
                ring=ring or KeyRing(),
            )
            return await _start(stack, database, clock, settings)

        yield start


@pytest.fixture
async def auth(start_auth: StartAuth) -> Auth:
    """auth_svc with the default settings, and `admin` with PASSWORD."""
    return await start_auth()


async def _start(stack: AsyncExitStack, database: Database, clock: FakeClock, settings: AuthSettings) -> Auth:
    announced: list[str] = []
    parts = await build(database, stack, settings=settings, clock=clock, hasher=FAST_HASHER, announce=announced.append)
    mesh = mesh_server("127.0.0.1:0", identity=identity_of("auth"), services=MESH_SERVICES["auth"])
    operator = operator_server(
        "127.0.0.1:0",
        access=parts.access,
        services=OPERATOR_SERVICES["auth"],
        front_door_secrets=[FRONT_DOOR_SECRET],
    )
    for server, adders in ((mesh, parts.mesh), (operator, parts.operator)):
        for add in adders:
            add(server.server)
        await server.start()
        stack.push_async_callback(server.stop, 0)
    mesh_channel = await stack.enter_async_context(open_callers_channel(f"127.0.0.1:{mesh.port}", "auth"))
    operator_channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{operator.port}"))
    return Auth(
        database=database,
        clock=clock,
        keys=SigningKeys(database=database, clock=clock, ring=settings.ring),
        access=parts.access,
        background=parts.background,
        mesh_address=f"127.0.0.1:{mesh.port}",
        operator_channel=operator_channel,
        users=UserServiceStub(operator_channel),
        roles=RoleServiceStub(operator_channel),
        api_keys=ApiKeyServiceStub(operator_channel),
        sign_ins=SignInServiceStub(operator_channel),
        invitations=InvitationServiceStub(operator_channel),
        id_tokens=IdTokenServiceStub(operator_channel),
        authorization=AuthorizationServiceStub(mesh_channel),
        certificates=CertificateServiceStub(operator_channel),
        signing=CertificateAuthorityServiceStub(mesh_channel),
        exchange=CertificateExchangeServiceStub(mesh_channel),
        announced=announced,
    )
