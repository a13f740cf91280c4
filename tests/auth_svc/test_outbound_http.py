"""Addresses that requests to URLs from outside may go to."""

import ipaddress

import pytest

from auth_svc.outbound_http import is_public


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fd00::1", "ff02::1", "2001:db8::1"),
        *("::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1", "64:ff9b::7f00:1"),
    ],
)
def test_address_that_is_not_of_the_public_internet(text: str) -> None:
    """Loopback, private, link-local (metadata of clouds), and IPv6 that leads to one of those."""
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_address_of_the_public_internet(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))
