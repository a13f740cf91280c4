"""The authorities that certificates of stations may come from: auth_svc lists those of all tenants."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import grpc
from csms.auth.v1 import certificate_authority_service_pb2 as pb
from csms.auth.v1.certificate_authority_service_pb2_grpc import CertificateAuthorityServiceStub

from mesh.runtime.background import PeriodicTask
from mesh.runtime.errors import from_rpc_error

# A certificate of a new authority may be shown sooner: the first handshake that fails for that has it asked at once.
POLL_S = 10.0
# Handshakes with certificates of no authority make a gateway ask no more often than this.
LEAST_S = 1.0
TIMEOUT_S = 5.0
# Until they are known for the first time.
RETRY_S = 0.5


class ClientAuthorities:
    """Asks for the authorities, and gives them to `trust` (PEM). While auth_svc is unavailable those before stay good.

    Run `run` beside the servers.
    """

    def __init__(self, *, channel: grpc.aio.Channel, trust: Callable[[str], None]) -> None:
        self._stub = CertificateAuthorityServiceStub(channel)
        self._trust = trust
        self._known = asyncio.Event()
        self._missed = asyncio.Event()

    def missed(self) -> None:
        """A certificate led to no known authority: there may be a new one, and it is asked for soon."""
        self._missed.set()

    async def refresh(self) -> None:
        """Asks once. Raises MeshError."""
        try:
            response = await self._stub.ListClientAuthorities(pb.ListClientAuthoritiesRequest(), timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise from_rpc_error(error) from error
            self._trust("")  # auth_svc of the release before: no station has a certificate that it could check
        else:
            self._trust(response.certificates)
        self._known.set()

    async def known(self, timeout_s: float) -> None:
        """Waits until they are known, for at most `timeout_s` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._known.wait()

    async def run(self) -> None:
        """Asks until it is cancelled."""
        turn = PeriodicTask("client authorities", self.refresh, every_s=POLL_S)
        while not self._known.is_set():
            await turn.attempt()
            await self.known(RETRY_S)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._missed.wait()
            self._missed.clear()
            await turn.attempt()
            await asyncio.sleep(min(LEAST_S, POLL_S))
