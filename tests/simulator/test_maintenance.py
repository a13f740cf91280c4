"""Firmware, logs and certificates over a real socket, with files on loopback, checked against the schemas."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from ocpp.v16 import call

from station_kit.times import format_time
from tests.simulator.central import Central, central_system
from tests.simulator.files import file_server
from tests.simulator.pki import Authority, named, pem
from tests.simulator.running import booted, plug_in, running, swipe

ROOT, MAKER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"


def now(seconds: float = 0) -> str:
    """The present, or a time from it."""
    return format_time(datetime.now(UTC) + timedelta(seconds=seconds))


def told(central: Central, action: str) -> list[str]:
    """The statuses of an action, in order."""
    return [payload["status"] for payload in central.of(action)]


async def test_a_firmware_update_over_the_wire() -> None:
    """Fetched, installed when nobody charges any more, restarted, and booted with the new version before Installed."""
    async with central_system() as central, running(central) as runner:
        with file_server() as files:
            files.content["/pole-1.5.0.bin"] = b"new"
            await booted(central)
            plug_in(runner)
            swipe(runner)
            await central.until(lambda: "StartTransaction" in central.actions())
            order = call.UpdateFirmware(location=f"{files.url}/pole-1.5.0.bin", retrieve_date=now())
            await central.command(order)
            await central.until(lambda: told(central, "FirmwareStatusNotification")[-1:] == ["Downloaded"])
            await central.until(lambda: central.of("StatusNotification")[-1]["status"] == "Unavailable")
            swipe(runner)
            await central.until(lambda: told(central, "FirmwareStatusNotification")[-1:] == ["Installed"])
            assert files.asked == ["/pole-1.5.0.bin"]
        statuses = told(central, "FirmwareStatusNotification")
        assert statuses == ["Downloading", "Downloaded", "Installing", "Installed"]
        assert [boot["firmware_version"] for boot in central.of("BootNotification")] == ["1", "1.5.0"]
        actions = central.actions()
        boots = [number for number, action in enumerate(actions) if action == "BootNotification"]
        assert actions.index("StopTransaction") < boots[1]
        assert boots[1] < max(n for n, action in enumerate(actions) if action == "FirmwareStatusNotification")
        await central.until(lambda: "FirmwareUpdated" in [p["type"] for p in central.of("SecurityEventNotification")])


async def test_a_firmware_that_is_not_there() -> None:
    """DownloadFailed, after all the attempts that were asked for; nothing restarts."""
    async with central_system() as central, running(central):
        with file_server() as files:
            await booted(central)
            order = call.UpdateFirmware(
                location=f"{files.url}/none.bin", retrieve_date=now(), retries=2, retry_interval=1
            )
            await central.command(order)
            await central.until(lambda: told(central, "FirmwareStatusNotification")[-1:] == ["DownloadFailed"])
            assert files.asked == ["/none.bin"] * 3
        assert told(central, "FirmwareStatusNotification") == ["Downloading", "DownloadFailed"]
        assert central.connections == 1


@pytest.fixture(scope="module")
def maker() -> Authority:
    """Who signs firmware."""
    return Authority("Maker")


def signed(maker: Authority, location: str, content: bytes, **given: Any) -> Any:
    """An order of firmware that is signed for a content."""
    signature = maker.key.sign(content, ec.ECDSA(hashes.SHA256()))
    firmware = {
        "location": location,
        "retrieve_date_time": now(),
        "signing_certificate": pem(maker.root),
        "signature": base64.b64encode(signature).decode(),
        **given,
    }
    return call.SignedUpdateFirmware(request_id=11, firmware=firmware)


async def test_a_signed_update_over_the_wire(maker: Authority) -> None:
    """Every step under its request id, up to Installed after the boot."""
    async with central_system() as central, running(central):
        with file_server() as files:
            files.content["/fw-2.0.0.bin"] = b"new"
            await booted(central)
            order = signed(maker, f"{files.url}/fw-2.0.0.bin", b"new", install_date_time=now(0.3))
            assert (await central.command(order)).status == "Accepted"
            await central.until(lambda: told(central, "SignedFirmwareStatusNotification")[-1:] == ["Installed"])
        statuses = told(central, "SignedFirmwareStatusNotification")
        steps = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
        assert [status for status in statuses if status != "InstallScheduled"] == steps
        assert {payload["request_id"] for payload in central.of("SignedFirmwareStatusNotification")} == {11}
        assert central.of("BootNotification")[-1]["firmware_version"] == "2.0.0"


async def test_a_wrong_signature_over_the_wire(maker: Authority) -> None:
    """InvalidSignature, told as a security event too."""
    async with central_system() as central, running(central):
        with file_server() as files:
            files.content["/fw.bin"] = b"forged"
            await booted(central)
            await central.command(signed(maker, f"{files.url}/fw.bin", b"new"))
            await central.until(
                lambda: "InvalidFirmwareSignature" in [p["type"] for p in central.of("SecurityEventNotification")]
            )
        expected = ["Downloading", "Downloaded", "InvalidSignature"]
        assert told(central, "SignedFirmwareStatusNotification") == expected


async def test_who_may_sign_firmware(maker: Authority) -> None:
    """With a manufacturer's root only what it has issued; no certificate at all never; a newer order replaces."""
    async with central_system() as central, running(central):
        await booted(central)
        send = central.command
        later = now(3_600)
        place = "https://firmware.example.test/fw.bin"
        order = signed(maker, place, b"", retrieve_date_time=later)
        nonsense = signed(maker, place, b"", retrieve_date_time=later, signing_certificate="nonsense")
        assert (await send(nonsense)).status == "InvalidCertificate"
        assert (await send(order)).status == "Accepted"
        assert (await send(order)).status == "AcceptedCanceled"
        root = pem(Authority("Somebody").root)
        assert (await send(call.InstallCertificate(certificate_type=MAKER, certificate=root))).status == "Accepted"
        assert (await send(order)).status == "InvalidCertificate"
        trigger = call.ExtendedTriggerMessage(requested_message="FirmwareStatusNotification")
        await send(trigger)
        await central.until(lambda: len(told(central, "SignedFirmwareStatusNotification")) == 3)
        assert told(central, "SignedFirmwareStatusNotification") == ["DownloadScheduled"] * 3


async def test_diagnostics_over_the_wire(tmp_path: Path) -> None:
    """The file arrives under the reported name, with the station's log; ftp fails, and is reported so."""
    async with central_system() as central, running(central):
        with file_server() as files:
            await booted(central)
            await central.command(call.ChangeConfiguration(key="ConnectionTimeOut", value="60"))
            answer = await central.command(call.GetDiagnostics(location=f"{files.url}/logs/"))
            await central.until(lambda: told(central, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"])
            ((method, path, content),) = files.brought
            assert (method, path) == ("PUT", f"/logs/{answer.file_name}")
            assert b"configuration ConnectionTimeOut: Accepted" in content
            assert b"BootNotification" in content
        await central.command(call.GetDiagnostics(location="ftp://127.0.0.1/logs"))
        await central.until(lambda: told(central, "DiagnosticsStatusNotification")[2:] == ["Uploading", "UploadFailed"])
        answer = await central.command(call.GetDiagnostics(location=tmp_path.as_uri(), start_time=now(3_600)))
        await central.until(lambda: told(central, "DiagnosticsStatusNotification")[4:] == ["Uploading", "Uploaded"])
        assert (tmp_path / answer.file_name).read_text() == ""


async def test_logs_over_the_wire() -> None:
    """Under their request id; the security log has security events only; what is refused says how."""
    async with central_system() as central, running(central):
        with file_server() as files:
            await booted(central)

            async def get(kind: str, location: str) -> Any:
                log = {"remote_location": location, "oldest_timestamp": now(-3_600), "latest_timestamp": now(3_600)}
                return await central.command(call.GetLog(log=log, log_type=kind, request_id=4))

            answer = await get("SecurityLog", f"{files.url}/")
            assert answer.status == "Accepted"
            await central.until(lambda: told(central, "LogStatusNotification") == ["Uploading", "Uploaded"])
            ((_, path, content),) = files.brought
            assert path == f"/{answer.filename}"
            assert [line.split(b" ", 1)[1] for line in content.splitlines()] == [b"StartupOfTheDevice"]
            files.answer = 401
            await get("DiagnosticsLog", f"{files.url}/")
            await central.until(lambda: told(central, "LogStatusNotification")[2:] == ["Uploading", "PermissionDenied"])
            await get("DiagnosticsLog", "ftp://127.0.0.1/")
            await central.until(lambda: told(central, "LogStatusNotification")[-1] == "NotSupportedOperation")
        assert {payload["request_id"] for payload in central.of("LogStatusNotification")} == {4}


async def test_a_certificate_of_its_own() -> None:
    """Asked for when triggered, taken when signed for that key by whom it trusts; else refused, and told so."""
    authority = Authority()
    async with central_system() as central, running(central) as runner:
        await booted(central)
        send = central.command
        await send(call.ChangeConfiguration(key="CpoName", value="Operator"))
        await send(call.InstallCertificate(certificate_type=ROOT, certificate=pem(authority.root)))
        await send(call.ExtendedTriggerMessage(requested_message="SignChargePointCertificate"))
        await central.until(lambda: "SignCertificate" in central.actions())
        csr = central.of("SignCertificate")[0]["csr"]
        other = pem(authority.issue(named("S"), ec.generate_private_key(ec.SECP256R1()).public_key()))
        assert (await send(call.CertificateSigned(certificate_chain=other))).status == "Rejected"
        await central.until(
            lambda: "InvalidChargePointCertificate" in [p["type"] for p in central.of("SecurityEventNotification")]
        )
        assert (await send(call.CertificateSigned(certificate_chain=authority.answer(csr)))).status == "Accepted"
        own = runner.station.maintenance.own_certificate.certificate
        assert own is not None
        assert own.subject.rfc4514_string() == "O=Operator,CN=S"


async def test_roots_over_the_wire() -> None:
    """Installed, listed by hashes, removed by them."""
    root = Authority().root
    async with central_system() as central, running(central):
        await booted(central)
        send = central.command
        listing = call.GetInstalledCertificateIds(certificate_type=ROOT)
        assert (await send(listing)).status == "NotFound"
        rejected = call.InstallCertificate(certificate_type=ROOT, certificate="nonsense")
        assert (await send(rejected)).status == "Rejected"
        assert (await send(call.InstallCertificate(certificate_type=ROOT, certificate=pem(root)))).status == "Accepted"
        found = await send(listing)
        assert found.status == "Accepted"
        (named_,) = found.certificate_hash_data
        assert (named_["hash_algorithm"], int(named_["serial_number"], 16)) == ("SHA256", root.serial_number)
        assert (await send(call.DeleteCertificate(certificate_hash_data=named_))).status == "Accepted"
        assert (await send(call.DeleteCertificate(certificate_hash_data=named_))).status == "NotFound"
        assert (await send(listing)).status == "NotFound"
