"""The encryption of a handshake's connection, and the check of the certificate by which a station proves itself.

OCPP security profiles 2 and 3. Whether a station needs either is decided by station_svc, which knows its profile.
"""

import asyncio
import ssl
from typing import Protocol

import grpc
from csms.auth.v1 import certificate_authority_service_pb2 as authority
from csms.station.v1 import station_ingest_service_pb2 as ingest

from gateway.batching.ingest_batcher import IngestBatcher
from gateway.batching.sinks import IngestUnavailableError
from gateway.tls.connection_tls import ConnectionTls, SocketTls
from gateway.tls.forwarded_tls import ForwardedTlsError, forwarded_tls
from gateway.websocket.client_address import ClientAddresses, Headers
from gateway.websocket.handshake import BadHandshakeError
from mesh.identity.front_door import TLS_HEADER
from mesh.runtime.errors import from_status
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

# How long a handshake waits for the check before it is answered with 503.
CHECK_BUDGET_S = 10.0

Checks = IngestBatcher[authority.CheckClientCertificatesItem, authority.CheckClientCertificatesResult]


class ServedTls(Protocol):
    """TLS of the port of this process: gateway.tls.station_tls.StationTls."""

    @property
    def is_ready(self) -> bool:
        """Whether it is known which certificates may be shown."""


class ClientCertificates:
    """Reads the encryption of connections. `ends_in_front`: a proxy that is not ours ends TLS for all of them."""

    def __init__(
        self, *, checks: Checks, addresses: ClientAddresses, served: ServedTls | None, ends_in_front: bool
    ) -> None:
        self._checks = checks
        self._addresses = addresses
        self._served = served
        self._ends_in_front = ends_in_front
        self._sockets = SocketTls()

    async def read(
        self, item: ingest.OpenConnectionItem, connection: ssl.SSLObject | None, headers: Headers
    ) -> ingest.TlsConnection | None:
        """The encryption of a handshake whose station `item` names; None where it has none.

        It has `certificate_error` where auth_svc found a fault in the station's certificate. Raises BadHandshakeError
        401 where Envoy's header of it cannot be read, 503 where nothing is known of the certificate yet.
        """
        found = self._find(connection, headers)
        if found is None:
            return None
        message = ingest.TlsConnection(version=found.version, cipher_suite=found.cipher_suite)
        if found.certificate:
            await self._check(message, item, found)
        elif connection is not None and self._served is not None and not self._served.is_ready:
            # It was not asked for a certificate, which it may have.
            raise BadHandshakeError(503, "not ready: try again later")
        return message

    def _find(self, connection: ssl.SSLObject | None, headers: Headers) -> ConnectionTls | None:
        if connection is not None:
            return self._sockets.read(connection)
        if self._addresses.is_front_door(headers) and headers.get_all(TLS_HEADER):
            try:
                return forwarded_tls(headers)
            except ForwardedTlsError as error:
                raise BadHandshakeError(401, str(error)) from error
        return ConnectionTls() if self._ends_in_front else None

    async def _check(
        self, message: ingest.TlsConnection, item: ingest.OpenConnectionItem, found: ConnectionTls
    ) -> None:
        """Adds the certificate that was shown, or its fault."""
        asked = authority.CheckClientCertificatesItem(
            tenant_id=item.tenant_id,
            station_id=item.station_id,
            certificate=found.certificate,
            intermediates=found.intermediates,
        )
        deadline_s = asyncio.get_running_loop().time() + CHECK_BUDGET_S
        try:
            result = await self._checks.ask(asked, deadline_s=deadline_s)
        except IngestUnavailableError:
            raise BadHandshakeError(503, "not ready: try again later") from None
        if not result.HasField("error"):
            message.client_certificate.CopyFrom(_to_shown(result))
            return
        error = from_status(result.error)
        log.info(
            "certificate of a station refused",
            tenant_id=item.tenant_id,
            station_id=item.station_id,
            remote_address=item.remote_address,
            reason=error.reason,
            detail=error.message,
            common_name=result.common_name,
            serial_number=result.serial_number,
            issuer=result.issuer,
        )
        if error.code is grpc.StatusCode.UNAVAILABLE:
            raise BadHandshakeError(503, error.message)
        message.certificate_error.CopyFrom(result.error)


def _to_shown(result: authority.CheckClientCertificatesResult) -> ingest.ClientCertificate:
    return ingest.ClientCertificate(
        common_name=result.common_name,
        serial_number=result.serial_number,
        fingerprint=result.fingerprint,
        issuer=result.issuer,
        expire_time=result.expire_time,
        issue_time=result.issue_time if result.HasField("issue_time") else None,
    )
