"""A real RabbitMQ for tests: the one CSMS_TEST_AMQP_URL names, else one on this machine with its defaults."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractQueue
from aio_pika.exceptions import AMQPError

DEFAULT_URL = "amqp://guest:guest@127.0.0.1:5672/"


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """A broker, or the reason why these tests are skipped."""
    url = os.environ.get("CSMS_TEST_AMQP_URL", DEFAULT_URL)
    try:
        asyncio.run(_knock(url))
    except (AMQPError, OSError, TimeoutError) as error:
        pytest.skip(f"no RabbitMQ answers at {urlsplit(url).hostname}:{urlsplit(url).port or 5672}: {error!r}")
    return url


async def _knock(url: str) -> None:
    await (await aio_pika.connect(url, timeout=30)).close()


@dataclass(kw_only=True)
class Broker:
    """A broker with an exchange of this test's own."""

    url: str
    exchange: str
    channel: AbstractChannel

    async def queue(self, pattern: str) -> AbstractQueue:
        """A queue of what matches."""
        exchange = await self.channel.declare_exchange(self.exchange, aio_pika.ExchangeType.TOPIC, durable=True)
        queue = await self.channel.declare_queue(exclusive=True)
        await queue.bind(exchange, pattern)
        return queue


@pytest.fixture
async def broker(amqp_url: str) -> AsyncIterator[Broker]:
    """The broker."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        name = f"csms.test.{secrets.token_hex(6)}"
        yield Broker(url=amqp_url, exchange=name, channel=channel)
        await channel.exchange_delete(name)


async def take(queue: AbstractQueue, count: int) -> list[aio_pika.abc.AbstractIncomingMessage]:
    """That many messages."""
    async with asyncio.timeout(120):
        found: list[aio_pika.abc.AbstractIncomingMessage] = []
        while len(found) < count:
            message = await queue.get(no_ack=True, fail=False)
            if message is not None:
                found.append(message)
        return found
