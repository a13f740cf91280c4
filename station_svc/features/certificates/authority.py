"""Calls of auth_svc's certificate authority."""

from collections.abc import Sequence

import grpc
from csms.auth.v1 import certificate_authority_service_pb2 as signing
from csms.auth.v1.certificate_authority_service_pb2_grpc import CertificateAuthorityServiceStub
from csms.common.v1 import certificate_pb2

from mesh.runtime.errors import from_rpc_error, from_status
from mesh.runtime.logs import get_logger
from mesh.runtime.times import from_timestamp, to_timestamp
from station_svc.features.certificates.rows import NotYetSigned, Signed, Taken

log = get_logger(__name__)

# The station waits for its answer meanwhile.
TIMEOUT_S = 3.0
MOST_ITEMS = 64


class CertificateAuthority:
    """Has requests signed; the same request gets the same certificate, so that it may be repeated."""

    def __init__(self, *, channel: grpc.aio.Channel, timeout_s: float = TIMEOUT_S) -> None:
        self._stub = CertificateAuthorityServiceStub(channel)
        self._timeout_s = timeout_s

    async def sign(self, requests: Sequence[Taken]) -> list[Signed | NotYetSigned]:
        """The authority's answer to each request. Raises MeshError where it is unavailable."""
        signed: list[Signed | NotYetSigned] = []
        for start in range(0, len(requests), MOST_ITEMS):
            items = [_to_item(request) for request in requests[start : start + MOST_ITEMS]]
            try:
                response = await self._stub.SignCertificates(
                    signing.SignCertificatesRequest(items=items), timeout=self._timeout_s
                )
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error
            signed += map(_to_signed, items, response.results)
        return signed


def _to_item(request: Taken) -> signing.SignCertificateItem:
    row = request.row
    return signing.SignCertificateItem(
        tenant_id=row.frame.tenant_id,
        station_id=row.frame.station_id,
        common_names=sorted(request.common_names),
        csr=row.csr,
        certificate_type=certificate_pb2.CertificateSigningUse.ValueType(row.certificate_type),
        issue_from_time=to_timestamp(request.issue_from_us),
    )


def _to_signed(item: signing.SignCertificateItem, result: signing.SignCertificateResult) -> Signed | NotYetSigned:
    if result.HasField("error"):
        error = from_status(result.error)
        if error.code is grpc.StatusCode.UNAVAILABLE:
            return NotYetSigned(error=error)
        # The request's list has the reason alone; the names that it asked for and may have are here.
        log.info(
            "certificate request refused",
            tenant_id=item.tenant_id,
            station_id=item.station_id,
            reason=error.reason,
            detail=error.message,
        )
        return Signed(reason=error.reason)
    return Signed(
        chain=result.certificate_chain,
        serial_number=result.serial_number,
        expire_us=from_timestamp(result.expire_time),
    )
