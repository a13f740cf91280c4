"""Files really move over loopback, and only there."""

from pathlib import Path

import pytest

from simulator.notices import UploadReport, UploadStatus, UploadWanted
from simulator.transfers import PRETENDED, fetch, upload
from simulator.uploads import UploadOrder, Uploads
from tests.simulator.files import file_server


async def test_fetching() -> None:
    """A file that is there, nothing where there is none, and only a pretence if the address is not loopback."""
    with file_server() as files:
        files.content["/fw.bin?x=1"] = b"firmware"
        assert await fetch(f"{files.url}/fw.bin?x=1") == b"firmware"
        assert await fetch(f"{files.url}/none.bin") is None
        url = files.url
    assert await fetch(f"{url}/fw.bin") is None
    assert await fetch("https://firmware.example.test/fw.bin") == PRETENDED
    assert await fetch("ftp://firmware.example.test/fw.bin") == PRETENDED
    assert await fetch("fw.bin") is None


async def test_uploads_over_http() -> None:
    """By PUT, into a folder under its own name; by POST if that is refused; refusals are distinct."""
    with file_server() as files:
        assert await upload(f"{files.url}/logs/", "a.log", "text") is UploadStatus.UPLOADED
        files.refused_methods = {"PUT"}
        assert await upload(f"{files.url}/logs", "a.log", "text") is UploadStatus.UPLOADED
        assert files.brought == [("PUT", "/logs/a.log", b"text"), ("POST", "/logs", b"text")]
        files.answer = 403
        assert await upload(files.url, "a.log", "text") is UploadStatus.DENIED
        files.answer = 500
        assert await upload(files.url, "a.log", "text") is UploadStatus.FAILED
        url = files.url
    assert await upload(url, "a.log", "text") is UploadStatus.FAILED


async def test_uploads_into_a_folder(tmp_path: Path) -> None:
    """A file of its own, and never over another."""
    assert await upload(tmp_path.as_uri(), "a.log", "text") is UploadStatus.UPLOADED
    assert (tmp_path / "a.log").read_text() == "text"
    assert await upload(tmp_path.as_uri(), "a.log", "other") is UploadStatus.FAILED
    assert (tmp_path / "a.log").read_text() == "text"


@pytest.mark.parametrize(
    ("location", "outcome"),
    [
        ("ftp://127.0.0.1/logs/", UploadStatus.NOT_SUPPORTED),
        ("http://logs.example.test/", UploadStatus.FAILED),
        ("logs", UploadStatus.BAD_MESSAGE),
        ("http://[", UploadStatus.BAD_MESSAGE),
    ],
)
async def test_uploads_that_cannot_be(location: str, outcome: UploadStatus) -> None:
    """Each says why."""
    assert await upload(location, "a.log", "text") is outcome


def test_an_upload_is_tried_again() -> None:
    """After the interval, as often as it was said; a refusal is final; an old order's outcome counts for nothing."""
    uploads = Uploads()
    order = UploadOrder(location="x", file_name="a", text="", retries=1, retry_interval_s=10, request_id=3)
    uploads.order(order, 0)
    uploads.sent(1, UploadStatus.FAILED)
    uploads.advance(9_999)
    assert [type(event) for event in uploads.events] == [UploadReport, UploadWanted]
    uploads.advance(10_000)
    uploads.sent(1, UploadStatus.UPLOADED)
    assert uploads.is_under_way
    uploads.sent(2, UploadStatus.FAILED)
    told = [(e.status.value, e.request_id) for e in uploads.events if isinstance(e, UploadReport)]
    assert told == [("Uploading", 3), ("UploadFailure", 3)]
    uploads.order(order, 10_000)
    uploads.sent(3, UploadStatus.DENIED)
    assert not uploads.is_under_way
