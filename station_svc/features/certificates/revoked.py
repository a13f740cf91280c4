"""Certificates that operators revoked in auth_svc: the sockets that were opened with them are closed.

A station whose certificate is revoked is refused at its next handshake; a socket that it opened before the revocation
would stay for days. One that it opened with another certificate, or with its password, stays: that proves it still.
"""

from collections.abc import Sequence
from functools import partial

import grpc
from csms.auth.v1 import certificate_authority_service_pb2 as pb
from csms.auth.v1.certificate_authority_service_pb2_grpc import CertificateAuthorityServiceStub

from mesh.database.engine import Database
from mesh.runtime.background import PeriodicTask
from mesh.runtime.errors import from_rpc_error
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock, to_timestamp
from station_svc.commands.socket_closer import SocketCloser
from station_svc.core.station_rows import Socket
from station_svc.features.certificates import revoked_store as store
from station_svc.features.certificates.revoked_store import Revocation

log = get_logger(__name__)

EVERY_S = 6.0
TIMEOUT_S = 3.0
# Revocations are read again for so long: they become visible in another order than that of their times.
OVERLAP_US = 60 * SECOND_US
# How far back a process looks when it starts: others may have missed revocations while they were down.
FIRST_US = 24 * 3600 * SECOND_US
CLOSE_CODE = 1008


class RevokedCertificates:
    """Follows revocations. Every replica does: a socket that is closed twice is closed."""

    def __init__(self, *, database: Database, channel: grpc.aio.Channel, closer: SocketCloser, clock: Clock) -> None:
        self._database = database
        self._stub = CertificateAuthorityServiceStub(channel)
        self._closer = closer
        self._clock = clock
        self._after_us: int | None = None

    async def run(self) -> None:
        """Works until it is cancelled."""
        await PeriodicTask("revoked certificates", self.follow, every_s=EVERY_S).run()

    async def follow(self) -> int:
        """Closes the sockets that showed certificates revoked lately; returns how many. Raises MeshError."""
        now_us = self._clock()
        after_us = now_us - FIRST_US if self._after_us is None else self._after_us
        request = pb.ListRevokedCertificatesRequest(after_time=to_timestamp(after_us))
        try:
            response = await self._stub.ListRevokedCertificates(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        revocations = [_to_revocation(one) for one in response.revoked_certificates]
        sockets: Sequence[Socket] = ()
        if revocations:
            sockets = await self._database.read(partial(store.open_sockets_of, revocations=revocations, now_us=now_us))
        for socket in sockets:
            log.warning("socket closed: certificate revoked", station_id=socket.station_id, epoch=socket.epoch)
            self._closer.close_soon(socket, CLOSE_CODE, "the certificate of this connection is revoked")
        self._after_us = now_us - OVERLAP_US
        return len(sockets)


def _to_revocation(message: pb.RevokedCertificate) -> Revocation:
    return Revocation(tenant_id=message.tenant_id, station_id=message.station_id, fingerprint=message.fingerprint)
