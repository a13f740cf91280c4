"""Firmware updates, step by step, without a network."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator.firmware import DOWNLOAD_MS, Failure, Firmware, Order, next_version
from simulator.notices import DownloadWanted, FirmwareReport

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PLACE = "http://127.0.0.1/pole-1.5.0.bin"


class Bench:
    """A firmware whose downloads bring `content`, one after the other."""

    def __init__(self, *contents: bytes | None, fails: frozenset[Failure] = frozenset(), **order: Any) -> None:
        self.contents = list(contents)
        self.busy = False
        self.firmware = Firmware(version="1.4.2", busy=lambda: self.busy, fails=fails)
        self.now_ms = 0
        self.told: list[str] = []
        self.fetches: list[int] = []
        self.requests: set[int | None] = set()
        defaults: dict[str, Any] = {"location": PLACE, "retrieve_at": NOW}
        self.order = Order(**(defaults | order))
        assert self.firmware.order(self.order, 0, NOW)

    def run(self, seconds: int = 600) -> list[str]:
        """Lets time go by, a second at a time, and answers downloads. Returns what was reported."""
        for _ in range(seconds):
            self.now_ms += 1_000
            self.firmware.advance(self.now_ms, NOW + timedelta(milliseconds=self.now_ms))
            for event in self.firmware.events:
                match event:
                    case FirmwareReport():
                        self.told.append(event.status.value)
                        self.requests.add(event.request_id)
                    case DownloadWanted():
                        self.fetches.append(event.at_ms)
                        self.firmware.fetched(event.job, self.contents.pop(0))
            self.firmware.events.clear()
        return self.told


def test_an_update_in_order() -> None:
    """Downloading, Downloaded, Installing, a restart, and only then Installed, with the version of the file."""
    bench = Bench(b"new")
    assert bench.run() == ["Downloading", "Downloaded", "Installing"]
    assert bench.firmware.restart_due
    assert bench.firmware.restarted()
    assert bench.run(1) == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert (bench.firmware.version, bench.firmware.is_under_way) == ("1.5.0", False)
    assert not bench.firmware.restarted()


def test_it_takes_its_time() -> None:
    """Not before it is to be retrieved, and not in no time."""
    bench = Bench(b"new", retrieve_at=NOW + timedelta(seconds=100))
    assert bench.run(99) == []
    assert bench.run(1 + DOWNLOAD_MS // 1_000 - 1) == ["Downloading"]
    assert bench.run(1) == ["Downloading", "Downloaded"]


def test_a_signed_update_in_order() -> None:
    """Every step is reported, all under the request's id."""
    bench = Bench(
        b"new",
        retrieve_at=NOW + timedelta(seconds=10),
        install_at=NOW + timedelta(seconds=200),
        request_id=7,
        verify=lambda content: content == b"new",
    )
    assert bench.run(199) == [
        "DownloadScheduled", "Downloading", "Downloaded", "SignatureVerified", "InstallScheduled",
    ]  # fmt: skip
    assert bench.run()[5:] == ["Installing", "InstallRebooting"]
    bench.firmware.restarted()
    assert bench.run(1)[-1] == "Installed"
    assert bench.requests == {7}


def test_a_wrong_signature_installs_nothing() -> None:
    """InvalidSignature ends it."""
    bench = Bench(b"old", request_id=7, verify=lambda content: content == b"new")
    assert bench.run() == ["Downloading", "Downloaded", "InvalidSignature"]
    assert not bench.firmware.is_under_way


def test_a_download_is_tried_again_and_then_given_up() -> None:
    """Retries come after the interval; only the last failure is reported."""
    bench = Bench(None, None, None, retries=2, retry_interval_s=60)
    assert bench.run() == ["Downloading", "DownloadFailed"]
    assert [at // 1_000 for at in bench.fetches] == [1, 81, 161]
    assert Bench(None, b"new", retries=1).run()[:2] == ["Downloading", "Downloaded"]


def test_it_waits_until_nobody_charges() -> None:
    """And lets nobody begin meanwhile."""
    bench = Bench(b"new")
    bench.busy = True
    assert bench.run() == ["Downloading", "Downloaded"]
    assert bench.firmware.keeps_idle
    bench.busy = False
    assert bench.run(1)[-1] == "Installing"


@pytest.mark.parametrize(
    ("failure", "last"),
    [
        (Failure.DOWNLOAD, "DownloadFailed"),
        (Failure.SIGNATURE, "InvalidSignature"),
        (Failure.INSTALL, "InstallationFailed"),
    ],
)
def test_it_fails_where_it_is_told_to(failure: Failure, last: str) -> None:
    """The firmware that was sent does not matter, and the version stays."""
    bench = Bench(b"new", fails=frozenset({failure}), request_id=1, verify=lambda _: True)
    assert bench.run()[-1] == last
    assert not bench.firmware.restarted()
    assert bench.firmware.version == "1.4.2"


def test_a_new_order_takes_the_place_of_one_that_is_not_being_installed() -> None:
    """The late outcome of the old download counts for nothing."""
    bench = Bench(b"new")
    bench.firmware.advance(1_000, NOW)
    old = next(event for event in bench.firmware.events if isinstance(event, DownloadWanted))
    assert bench.firmware.order(Order(location=PLACE, retrieve_at=NOW), 1_000, NOW)
    bench.firmware.events.clear()
    bench.firmware.advance(2_000, NOW)
    bench.firmware.fetched(old.job, None)
    bench.firmware.advance(60_000, NOW)
    assert not [e for e in bench.firmware.events if isinstance(e, FirmwareReport) and e.status.value != "Downloading"]


def test_an_installation_is_not_interrupted() -> None:
    """Once it runs, another order is refused."""
    bench = Bench(b"new")
    bench.run(30)
    assert bench.told[-1] == "Installing"
    assert not bench.firmware.order(bench.order, bench.now_ms, NOW)


@pytest.mark.parametrize(
    ("location", "version"),
    [
        (PLACE, "1.5.0"),
        ("https://x.test/a/firmware_v2.0.bin", "2.0"),
        ("https://10.0.0.1/firmware.bin", "1.4.3"),
        ("ftp://x.test/", "1.4.3"),
    ],
)
def test_versions(location: str, version: str) -> None:
    """The one in the file's name, or the next."""
    assert next_version("1.4.2", location) == version
