"""Tenants with the same station and tag, as consumers of RabbitMQ meet them: each by its own keys, and no others."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from aio_pika.abc import AbstractIncomingMessage

from mesh.contract.tenants import DEFAULT_TENANT
from notification_svc.fanout import Fanout
from tests.brokers import Broker, take
from tests.gateway.tenant_rig import Metadata, TenantMesh, running_tenants
from tests.gateway.tenant_sessions import add_token, charge

TENANTS = {"acme": ("Anvil", 1.5), "bolt": ("Bolzen", 2.5), DEFAULT_TENANT: ("Dflt", 3.5)}


@pytest.fixture
async def tenants(database_url: str, broker: Broker) -> AsyncIterator[TenantMesh]:
    """A mesh with tenants whose events go to the broker."""
    async with running_tenants(database_url) as found:
        fanout = Fanout(database=found.notification_database, url=broker.url, exchange=broker.exchange, poll_s=0.05)
        running = asyncio.create_task(fanout.run())
        yield found
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _charge_at_once(mesh: TenantMesh) -> None:
    callers: dict[str, Metadata] = {DEFAULT_TENANT: mesh.mesh.metadata}
    for name in TENANTS:
        if name not in callers:
            callers[name] = await mesh.add(name)
        await add_token(mesh, callers[name])
    together = asyncio.Barrier(len(TENANTS))
    path = {name: f"/ocpp/{name}/CP1" for name in TENANTS} | {DEFAULT_TENANT: "/ocpp/CP1"}
    stations = await asyncio.gather(
        *(
            charge(mesh.mesh.url(path[name]), model=model, kwh=kwh, together=together)
            for name, (model, kwh) in TENANTS.items()
        )
    )
    for station in stations:
        await station.__aexit__(None, None, None)


def _text(message: AbstractIncomingMessage) -> str:
    """All that a consumer gets with a message."""
    return f"{message.routing_key} {message.headers} {message.info()} {message.body.decode()}"


async def test_a_consumer_of_one_tenants_keys_has_no_word_of_another(
    tenants: TenantMesh,
    broker: Broker,
) -> None:
    """Neither in a routing key, nor in a header, nor in a body; and each session is in its own tenant's queue."""
    queues = {name: await broker.queue(f"{name}.#") for name in TENANTS}
    everything = await broker.queue("#")
    await _charge_at_once(tenants)
    for name, queue in queues.items():
        model, kwh = TENANTS[name]
        texts, ended = [], None
        while ended is None or not any(model in text for text in texts):
            [message] = await take(queue, 1)
            assert (message.routing_key or "").split(".")[0] == name
            assert message.headers["tenant_id"] == name
            texts.append(_text(message))
            if message.type == "transaction.ended":
                ended = json.loads(message.body)
        assert (ended["stationId"], ended["data"]["energyWh"]) == ("CP1", kwh * 1000)
        others = [word for other in TENANTS if other != name for word in (TENANTS[other][0], f"{other}.", f'"{other}"')]
        assert [word for word in others if any(word in text for text in texts)] == []
    keys = {(message.routing_key or "").split(".")[0] for message in await take(everything, 12)}
    assert keys <= set(TENANTS) | {"platform"}
