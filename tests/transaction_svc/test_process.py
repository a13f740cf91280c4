"""transaction_svc as it runs: its own process's parts, both ports, the front edge of each."""

from contextlib import AsyncExitStack
from functools import partial

import grpc
import pytest
from csms.transaction.v1.transaction_ingest_service_pb2 import RecordTransactionEventsRequest
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import TransactionIngestServiceStub
from csms.transaction.v1.transaction_service_pb2 import ListTransactionsRequest
from csms.transaction.v1.transaction_service_pb2_grpc import TransactionServiceStub
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

import auth_svc.migrations
from mesh.grpc.channels import open_channel
from mesh.runtime.errors import from_rpc_error
from mesh.runtime.settings import Environment, ServiceSettings
from mesh.runtime.startup_errors import SettingError
from mesh.service import RunningService, start
from tests.auth_builds import auth_build
from tests.conftest import FakeClock
from tests.mesh_identities import identity_of, mesh_environment
from tests.ports import held_port
from transaction_svc import migrations
from transaction_svc.meter_profiles import PowerLimits
from transaction_svc.service import build
from transaction_svc.settings import TransactionSettings


def environment(database_url: str, *, auth_port: int = 1) -> Environment:
    """The environment of the process."""
    return Environment(
        {
            "CSMS_TRANSACTION_ADDRESS": "127.0.0.1:0",
            "CSMS_TRANSACTION_OPERATOR_ADDRESS": "127.0.0.1:0",
            "CSMS_AUTH_ADDRESS": f"127.0.0.1:{auth_port}",  # at 1 no server: keys are fetched when first needed
            "CSMS_DATABASE_URL": database_url,
            **mesh_environment("transaction"),
            "CSMS_AUTO_MIGRATE": "1",
        }
    )


async def test_it_serves_the_mesh_and_operators_apart(database_url: str, clock: FakeClock) -> None:
    """With the secret one gets in at the mesh port, without a token nowhere at the other."""
    async with AsyncExitStack() as stack:
        running = await _start(stack, environment(database_url), clock)
        mesh = open_channel(f"127.0.0.1:{running.mesh_port}", identity=identity_of("gateway"), to="transaction")
        stack.push_async_callback(mesh.close)
        request = RecordTransactionEventsRequest()
        response = await TransactionIngestServiceStub(mesh).RecordTransactionEvents(request, timeout=60)
        assert not response.results
        operator = grpc.aio.insecure_channel(f"127.0.0.1:{running.operator_port}")
        stack.push_async_callback(operator.close)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await TransactionServiceStub(operator).ListTransactions(ListTransactionsRequest(), timeout=60)
        assert from_rpc_error(caught.value).reason == "INVALID_TOKEN"


async def test_operators_port_is_ready_once_auth_svc_answers(database_url: str, clock: FakeClock) -> None:
    """The processes of a mesh start together; the port for stations' messages does not wait."""
    async with AsyncExitStack() as stack:
        auth_port = stack.enter_context(held_port())
        running = await _start(stack, environment(database_url, auth_port=auth_port), clock)
        mesh = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{running.mesh_port}"))
        operator = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{running.operator_port}"))
        assert (await HealthStub(mesh).Check(HealthCheckRequest(), timeout=60)).status == HealthCheckResponse.SERVING
        health = HealthStub(operator).Watch(HealthCheckRequest(), timeout=60)
        assert (await health.read()).status == HealthCheckResponse.NOT_SERVING
        await _start_auth(stack, database_url, auth_port, clock)
        assert (await health.read()).status == HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await TransactionServiceStub(operator).ListTransactions(
                ListTransactionsRequest(), metadata=[("x-api-key", f"csms_{'0' * 8}_{'A' * 43}")], timeout=60
            )
        assert from_rpc_error(caught.value).reason == "INVALID_API_KEY"  # auth_svc was asked


async def _start(stack: AsyncExitStack, env: Environment, clock: FakeClock) -> RunningService:
    building = partial(build, settings=TransactionSettings.read(env), clock=clock)
    return await start(stack, ServiceSettings.read(env, "transaction"), migrations, building)


async def _start_auth(stack: AsyncExitStack, database_url: str, port: int, clock: FakeClock) -> None:
    env = Environment(
        {
            "CSMS_AUTH_ADDRESS": f"127.0.0.1:{port}",
            "CSMS_AUTH_OPERATOR_ADDRESS": "127.0.0.1:0",
            "CSMS_DATABASE_URL": database_url.replace(".db", "-auth.db"),  # on SQLite each service has a file
            "CSMS_AUTO_MIGRATE": "1",
            **mesh_environment("auth"),
        }
    )
    await start(stack, ServiceSettings.read(env, "auth"), auth_svc.migrations, auth_build(env, clock))


def test_power_is_set_within_bounds() -> None:
    """Up to 4 MW; more is a slip of the pen."""
    values = {"CSMS_AUTH_ADDRESS": "127.0.0.1:1", **mesh_environment("transaction")}
    settings = TransactionSettings.read(Environment(values | {"CSMS_DC_MAX_POWER_W": "4000000"}))
    assert settings.power_limits == PowerLimits(ac_w=43_000, dc_w=4_000_000)
    for wrong in ("4000001", "999"):
        with pytest.raises(SettingError, match="CSMS_AC_MAX_POWER_W"):
            TransactionSettings.read(Environment(values | {"CSMS_AC_MAX_POWER_W": wrong}))


def test_invalid_settings_are_reported() -> None:
    with pytest.raises(SettingError, match="CSMS_OUTBOX_RETENTION_DAYS"):
        TransactionSettings.read(
            Environment(
                {
                    "CSMS_AUTH_ADDRESS": "127.0.0.1:1",
                    **mesh_environment("transaction"),
                    "CSMS_OUTBOX_RETENTION_DAYS": "0",
                }
            )
        )
