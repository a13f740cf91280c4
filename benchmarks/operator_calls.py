"""Calls of the benchmark as an operator: makes id tags before, counts transactions after."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import grpc
from csms.auth.v1 import id_token_service_pb2, id_token_service_pb2_grpc, user_service_pb2, user_service_pb2_grpc
from csms.transaction.v1 import transaction_service_pb2, transaction_service_pb2_grpc

from benchmarks.errors import BenchmarkError
from benchmarks.measuring import Acknowledged
from benchmarks.servers import Mesh

TIMEOUT_S = 30.0
PAGE = 1000
AT_ONCE = 16
Metadata = tuple[tuple[str, str], ...]


class Operated(Protocol):
    """A mesh as its administrator reaches it."""

    @property
    def operator_addresses(self) -> Mapping[str, str]:
        """host:port by service."""

    @property
    def admin_password(self) -> str:
        """Of the user `admin`."""


@asynccontextmanager
async def logged_in(mesh: Operated, service: str) -> AsyncIterator[tuple[grpc.aio.Channel, Metadata]]:
    """A channel to a service's operator port, and what proves who calls."""
    async with grpc.aio.insecure_channel(mesh.operator_addresses["auth"]) as channel:
        request = user_service_pb2.LoginRequest(username="admin", password=mesh.admin_password)
        answer = await user_service_pb2_grpc.UserServiceStub(channel).Login(request, timeout=TIMEOUT_S)
    async with grpc.aio.insecure_channel(mesh.operator_addresses[service]) as channel:
        yield channel, (("authorization", f"Bearer {answer.access_token}"),)


async def make_id_tags(mesh: Mesh, id_tags: Sequence[str]) -> None:
    """Makes id tags that are accepted, those that there are already excepted."""
    waiting = iter(id_tags)
    async with logged_in(mesh, "auth") as (channel, metadata):
        stub = id_token_service_pb2_grpc.IdTokenServiceStub(channel)

        async def make() -> None:
            for id_tag in waiting:
                token = id_token_service_pb2.IdToken(id_token=id_tag, type="ISO14443", status="Accepted")
                request = id_token_service_pb2.CreateIdTokenRequest(id_token=token)
                try:
                    await stub.CreateIdToken(request, metadata=metadata, timeout=TIMEOUT_S)
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                        raise

        await asyncio.gather(*(make() for _ in range(AT_ONCE)))


async def recorded(mesh: Mesh) -> Acknowledged:
    """Counts the records of transaction_svc in the terms of what was acknowledged."""
    total = Acknowledged()
    async with logged_in(mesh, "transaction") as (channel, metadata):
        stub = transaction_service_pb2_grpc.TransactionServiceStub(channel)
        token = ""
        while True:
            request = transaction_service_pb2.ListTransactionsRequest(page_size=PAGE, page_token=token)
            page = await stub.ListTransactions(request, metadata=metadata, timeout=TIMEOUT_S)
            total += _count(page)
            token = page.next_page_token
            if not token:
                return total


def _count(page: transaction_service_pb2.ListTransactionsResponse) -> Acknowledged:
    ended = [one for one in page.transactions if one.state == transaction_service_pb2.TRANSACTION_STATE_ENDED]
    started = [one for one in page.transactions if one.HasField("start_time")]
    events = sum(one.event_count for one in page.transactions)
    return Acknowledged(
        starts=len(started),
        meter_values=events - len(started) - len(ended),
        stops=len(ended),
        energy_wh=round(sum(one.energy_wh for one in ended)),
        names=frozenset(f"{one.station_id}/{one.transaction_id}" for one in page.transactions),
    )


def check_ledger(acknowledged: Acknowledged, found: Acknowledged) -> str:
    """Compares acknowledgements with records. Raises BenchmarkError if they differ."""
    differences = [
        f"{name}: {told} acknowledged, {recorded_} recorded"
        for name in ("starts", "meter_values", "stops", "energy_wh")
        if (told := getattr(acknowledged, name)) != (recorded_ := getattr(found, name))
    ]
    if lost := acknowledged.names - found.names:
        differences.append(f"{len(lost)} transactions are not there, {min(lost)} for one")
    if differences:
        raise BenchmarkError("the ledger is off: " + "; ".join(differences))
    return (
        f"{found.starts} starts, {found.meter_values} meter values, {found.stops} stops, {found.energy_wh} Wh: "
        "all acknowledged, all recorded, once"
    )
