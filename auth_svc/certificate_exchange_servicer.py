"""CertificateExchangeService: certificates of other parties, for gateways."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from csms.auth.v1 import certificate_exchange_service_pb2 as pb
from csms.auth.v1.certificate_exchange_service_pb2_grpc import CertificateExchangeServiceServicer
from csms.common.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import HashAlgorithm

from auth_svc.certificate_statuses import CertificateStatuses, StatusError
from auth_svc.contract_certificates import ContractCertificates, Link, NotAcceptedError
from auth_svc.ev_certificates import EvCertificateProvider, EvCertificateRequest, ProviderError
from auth_svc.ocsp_messages import CertificateId, InvalidRequestError, read_id
from mesh.contract.options import ocpp_words
from mesh.grpc.types import Context
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import invalid_field
from mesh.runtime.logs import get_logger

MOST_ITEMS = 256
# Of ISO 15118's three levels below a root, and the root.
MOST_LINKS = 4

Item = TypeVar("Item")
Result = TypeVar("Result")

log = get_logger(__name__)

_ACTIONS = {value: word for word, value in ocpp_words(certificate_pb2.CertificateAction).items()}


class CertificateExchangeServicer(CertificateExchangeServiceServicer):
    """Serves the mesh only."""

    def __init__(
        self, *, statuses: CertificateStatuses, contracts: ContractCertificates, provider: EvCertificateProvider
    ) -> None:
        self._statuses = statuses
        self._contracts = contracts
        self._provider = provider

    async def GetCertificateStatuses(
        self, request: pb.GetCertificateStatusesRequest, context: Context
    ) -> pb.GetCertificateStatusesResponse:
        """Asks responders, or answers by what they said before."""
        del context
        return pb.GetCertificateStatusesResponse(results=await _each(request.items, self._status))

    async def CheckContractCertificates(
        self, request: pb.CheckContractCertificatesRequest, context: Context
    ) -> pb.CheckContractCertificatesResponse:
        """Checks the certificates of drivers."""
        del context
        return pb.CheckContractCertificatesResponse(results=await _each(request.items, self._contract))

    async def GetEvCertificates(
        self, request: pb.GetEvCertificatesRequest, context: Context
    ) -> pb.GetEvCertificatesResponse:
        """Passes requests to the provider."""
        del context
        return pb.GetEvCertificatesResponse(results=await _each(request.items, self._ev_certificate))

    async def _status(self, item: pb.GetCertificateStatusItem) -> pb.GetCertificateStatusResult:
        data = item.ocsp_request_data
        try:
            answer = await self._statuses.find(_to_id(data), data.responder_url)
        except InvalidRequestError as error:
            return pb.GetCertificateStatusResult(reason=Reason.OCSP_REQUEST_INVALID, message=str(error))
        except StatusError as error:
            log.info("no status of a certificate", station_id=item.origin.station_id, reason=error.reason)
            return pb.GetCertificateStatusResult(reason=error.reason, message=str(error))
        return pb.GetCertificateStatusResult(ocsp_response=answer.der)

    async def _contract(self, item: pb.CheckContractCertificateItem) -> pb.CheckContractCertificateResult:
        try:
            links = _to_links(item.certificates)
            await self._contracts.check(contract_id=item.id_token.id_token, links=links, chain=item.certificate_chain)
        except InvalidRequestError as error:
            status = certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_NO_CERTIFICATE_AVAILABLE
            return pb.CheckContractCertificateResult(status=status, message=str(error))
        except NotAcceptedError as error:
            log.info("contract certificate refused", station_id=item.origin.station_id, why=str(error))
            return pb.CheckContractCertificateResult(status=error.status, message=str(error))
        return pb.CheckContractCertificateResult(status=certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_ACCEPTED)

    async def _ev_certificate(self, item: pb.GetEvCertificateItem) -> pb.GetEvCertificateResult:
        request = EvCertificateRequest(
            tenant_id=item.origin.tenant_id,
            station_id=item.origin.station_id,
            schema_version=item.iso15118_schema_version,
            action=_ACTIONS.get(item.action, ""),
            exi_request=item.exi_request,
        )
        try:
            return pb.GetEvCertificateResult(accepted=True, exi_response=await self._provider.get(request))
        except ProviderError as error:
            log.info("no certificate for a vehicle", station_id=item.origin.station_id, reason=error.reason)
            return pb.GetEvCertificateResult(exi_response=error.exi_response, reason=error.reason, message=str(error))


async def _each(items: Sequence[Item], handle: Callable[[Item], Awaitable[Result]]) -> list[Result]:
    """The result of each item; none waits for another."""
    if len(items) > MOST_ITEMS:
        raise invalid_field("items", f"there are {len(items)}, and {MOST_ITEMS} are the most")
    return await asyncio.gather(*(handle(item) for item in items))


def _to_links(certificates: Sequence[pb.OcspRequestData]) -> list[Link]:
    if len(certificates) > MOST_LINKS:
        raise InvalidRequestError(f"there are {len(certificates)} certificates, and a chain has {MOST_LINKS} at most")
    return [_to_link(data) for data in certificates]


def _to_link(data: pb.OcspRequestData) -> Link:
    return Link(certificate_id=_to_id(data), url=data.responder_url)


def _to_id(data: pb.OcspRequestData) -> CertificateId:
    hashed = data.certificate_hash_data
    name = HashAlgorithm.Name(hashed.hash_algorithm).removeprefix("HASH_ALGORITHM_").lower()
    return read_id(name, hashed.issuer_name_hash, hashed.issuer_key_hash, hashed.serial_number)
