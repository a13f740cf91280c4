"""Channels to other processes of the mesh."""

from typing import Any, cast

import grpc

from mesh.grpc.in_process import InProcessChannel, InProcessServers
from mesh.identity.mesh_identity import MeshIdentity, Proofs

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
# A connection whose other end has vanished (a machine without power, a middlebox that dropped its state) is closed
# and reopened after 15 s; TCP alone would try for a quarter of an hour, and every call would time out.
PING_EVERY_MS = 10_000
PONG_WITHIN_MS = 5_000
# Limits of servers: by default they treat pings at this rate as an attack.
PING_AT_MOST_EVERY_MS = 5_000
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # A service that restarts is back within a second or two; the default back-off would make stations wait for minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Callers retry by themselves, each with its own budget.
    ("grpc.enable_retries", 0),
)


class _ProofInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    """Adds the proof of this process to each unary call; a stream is given the metadata of `MeshIdentity.proofs`."""

    def __init__(self, proofs: Proofs) -> None:
        self._proofs = proofs

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        metadata = grpc.aio.Metadata(*(client_call_details.metadata or ()), *self._proofs())
        return await continuation(client_call_details._replace(metadata=metadata), request)


def open_channel(address: str, *, identity: MeshIdentity, to: str) -> grpc.aio.Channel:
    """A channel to the mesh port of the part `to` at `address` (host:port). Connects by itself, and again after a loss.

    The caller closes it, and gives every call a timeout. There is no connection where that part runs in this process.
    """
    servers = InProcessServers.of_process()
    if servers is not None and servers.has(address):
        channel = InProcessChannel(address=address, servers=servers, proofs=identity.proofs(to))
        return cast("grpc.aio.Channel", channel)
    interceptor = _ProofInterceptor(identity.proofs(to))
    return grpc.aio.insecure_channel(address, options=_options(), interceptors=[interceptor])


def open_blocking_channel(address: str) -> grpc.Channel:
    """The same for a thread without an event loop; each call is given the metadata of `MeshIdentity.proofs`."""
    return grpc.insecure_channel(address, options=_options())


def _options() -> tuple[tuple[str, int], ...]:
    return (
        *CHANNEL_OPTIONS,
        ("grpc.keepalive_time_ms", PING_EVERY_MS),
        ("grpc.keepalive_timeout_ms", PONG_WITHIN_MS),
        ("grpc.http2.ping_timeout_ms", PONG_WITHIN_MS),
        ("grpc.http2.max_pings_without_data", 0),
    )
