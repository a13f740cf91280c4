"""The source of a call: the front door's header beside its proof, else the connection."""

import pytest

from mesh.identity.front_door import ADDRESS_HEADER, PROOF_HEADER, proof_of
from mesh.identity.sources import Sources, network_of

PROOF = proof_of("secret")
PEER = "ipv4:10.0.0.9:50051"
ADDRESS = (ADDRESS_HEADER.lower(), "192.0.2.1")
PROVED = (PROOF_HEADER.lower(), PROOF)


@pytest.mark.parametrize(
    ("metadata", "address"),
    [
        ([PROVED, ADDRESS], "192.0.2.1"),
        ([ADDRESS], "10.0.0.9"),
        ([PROVED], "10.0.0.9"),
        ([(PROVED[0], PROOF[:-1]), ADDRESS], "10.0.0.9"),
        ([(PROVED[0], ""), ADDRESS], "10.0.0.9"),
        ([PROVED, ADDRESS, ADDRESS], "10.0.0.9"),
        ([PROVED, PROVED, ADDRESS], "10.0.0.9"),
        ([PROVED, (ADDRESS[0], "x" * 500)], "x" * 64),
    ],
)
def test_an_address_counts_beside_the_proof_only(metadata: list[tuple[str, str]], address: str) -> None:
    assert Sources(secrets=["former", "secret"]).read(metadata, lambda: PEER).address == address


def test_without_a_proof_of_its_own_a_service_believes_no_header() -> None:
    assert Sources().read([(PROVED[0], ""), ADDRESS], lambda: PEER).address == "10.0.0.9"


@pytest.mark.parametrize(
    ("peer", "address", "network"),
    [
        ("ipv4:192.0.2.1:1234", "192.0.2.1", "192.0.2.1"),
        ("ipv6:%5B2001:db8::17%5D:1234", "2001:db8::17", "2001:db8::/64"),
        ("ipv6:[::1]:1234", "::1", "::/64"),
        ("unix:/some/path", "unix:/some/path", "unix:/some/path"),
    ],
)
def test_the_connection_in_grpcs_notation(peer: str, address: str, network: str) -> None:
    source = Sources(secrets=["former", "secret"]).read([], lambda: peer)
    assert (source.address, source.network) == (address, network)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::ffff", "2001:db8:1:2::/64"),
        ("no address", "no address"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network
