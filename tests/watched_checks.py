"""auth_svc's checks of stations' certificates as tests watch them: its own, which may be unavailable, or held back."""

import asyncio
from typing import Any

import grpc
import pytest
from csms.auth.v1 import certificate_authority_service_pb2 as pb

from auth_svc.certificate_servicer import CertificateAuthorityServicer


class WatchedChecks:
    """Stands before CheckClientCertificates and ListClientAuthorities of every auth_svc of this process."""

    def __init__(self) -> None:
        self.asked: list[pb.CheckClientCertificatesItem] = []
        self.batches: list[int] = []
        self.is_available = True
        self.released = asyncio.Event()
        self.released.set()

    def apply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Takes its place, and has gateways ask for authorities without delay."""
        check_of = CertificateAuthorityServicer.CheckClientCertificates
        list_of = CertificateAuthorityServicer.ListClientAuthorities

        async def check(servicer: Any, request: Any, context: Any) -> pb.CheckClientCertificatesResponse:
            await self._abort_or_not(context)
            await self.released.wait()
            self.asked.extend(request.items)
            self.batches.append(len(request.items))
            return await check_of(servicer, request, context)

        async def list_all(servicer: Any, request: Any, context: Any) -> pb.ListClientAuthoritiesResponse:
            await self._abort_or_not(context)
            return await list_of(servicer, request, context)

        monkeypatch.setattr(CertificateAuthorityServicer, "CheckClientCertificates", check)
        monkeypatch.setattr(CertificateAuthorityServicer, "ListClientAuthorities", list_all)
        for wait in ("POLL_S", "RETRY_S"):
            monkeypatch.setattr(f"gateway.tls.authorities.{wait}", 0.05)

    async def _abort_or_not(self, context: Any) -> None:
        if not self.is_available:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the test has it unavailable")
