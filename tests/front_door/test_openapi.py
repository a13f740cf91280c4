"""The OpenAPI document and the page that shows it, as the front door serves them."""

import gzip
from importlib import resources

import pytest

from tests.running_mesh import RunningMesh

DOCUMENT = (resources.files("csms") / "openapi.json").read_bytes()


def test_the_document_is_served_to_anybody_in_two_encodings(mesh: RunningMesh) -> None:
    plain = mesh.request("GET", "/openapi.json")
    packed = mesh.request("GET", "/openapi.json", accept_encoding="gzip")
    assert (plain.status, plain.body) == (200, DOCUMENT)
    assert (packed.status, gzip.decompress(packed.body)) == (200, DOCUMENT)
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(DOCUMENT) / 5
    for answer in (plain, packed):
        assert answer.headers["content-type"] == "application/json"
        assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-cache", "accept-encoding")


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_caller_that_has_the_document_is_not_sent_it_again(mesh: RunningMesh, encoding: str) -> None:
    """In either encoding. A caller with another document is sent this one."""
    etag = mesh.request("GET", "/openapi.json", accept_encoding=encoding).headers["etag"]
    for known in (etag, f'"other", {etag}', etag.removeprefix("W/")):
        again = mesh.request("GET", "/openapi.json", accept_encoding=encoding, if_none_match=known)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
        assert "location" not in again.headers
    changed = mesh.request("GET", "/openapi.json", accept_encoding=encoding, if_none_match='W/"other"')
    assert changed.status == 200


def test_the_page_is_at_docs(mesh: RunningMesh) -> None:
    for path in ("/docs", "/docs?call=StationService_ListStations"):
        answer = mesh.request("GET", path, accept="text/html")
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "/assets/docs-" in answer.body.decode()
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert mesh.request("POST", "/docs", body={}).status == 404
