"""A provider of the public key infrastructure of vehicle-to-grid, which signs what it is asked for."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests import certificates
from tests.certificates import TestAuthority
from tests.contract_pki import Shape, certify, pem
from tests.http_server import HttpRequest, ok


class V2gProvider:
    """Signs with its authority below the V2G root; `change` makes another chain of that."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.root = certify("V2G root", None, Shape(ca=True, now=now()))
        self.sub = certify("V2G sub", self.root, Shape(ca=True, now=now()))
        self.change: Callable[[str], str] = lambda chain: chain

    async def answer(self, request: HttpRequest) -> bytes:
        """See tests.http_server.Handler."""
        csr = x509.load_pem_x509_csr(json.loads(request.body)["csr"].encode())
        leaf = self._certify(csr)
        chain = self.change(pem(leaf, self.sub))
        return ok(json.dumps({"status": "Accepted", "certificateChain": chain}).encode())

    def _certify(self, csr: x509.CertificateSigningRequest) -> TestAuthority:
        begin, key = self._now(), csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        builder = x509.CertificateBuilder().subject_name(csr.subject).issuer_name(self.sub.certificate.subject)
        builder = builder.public_key(key).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=60))
        return TestAuthority(certificate=builder.sign(self.sub.key, hashes.SHA256()), key=certificates.ec_key())
