"""Block L, firmware. The names of the cases are known; the steps are our reading of L01, L03 and L04."""

from typing import Any

import pytest
from csms.station.v1 import firmware_pb2 as pb
from csms.station.v1 import firmware_publication_pb2 as pb_publication
from csms.station.v1 import firmware_publication_service_pb2 as publication_pb
from csms.station.v1 import firmware_service_pb2 as service_pb
from csms.station.v1.firmware_publication_service_pb2_grpc import FirmwarePublicationServiceStub
from csms.station.v1.firmware_service_pb2_grpc import FirmwareServiceStub

from mesh.runtime.times import SECOND_US, now_us, to_timestamp
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOCATION = "https://files.example.org/firmware.bin"
CERTIFICATE, SIGNATURE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "c2lnbmF0dXJl"


async def _request(station: ChargingStation, answer: str = "Accepted", *, later_s: int = 0) -> Any:
    """A signed update, for later where seconds are given; returns the operator's answer."""
    moment = to_timestamp(now_us() + later_s * SECOND_US)
    firmware = {
        "location": LOCATION,
        "retrieve_time": moment,
        "install_time": moment,
        "signing_certificate": CERTIFICATE,
        "signature": SIGNATURE,
    }
    action, payload, told = await station.told("UpdateFirmware", {"status": answer}, firmware=firmware)
    assert (action, payload["requestId"]) == ("UpdateFirmware", told.firmware_update_id)
    sent = payload["firmware"]
    assert (sent["location"], sent["signingCertificate"], sent["signature"]) == (LOCATION, CERTIFICATE, SIGNATURE)
    return told


async def _read(station: ChargingStation, number: int) -> service_pb.FirmwareUpdate:
    service: Any = FirmwareServiceStub(station.mesh.station_channel)
    request = service_pb.GetFirmwareUpdateRequest(station_id=station.station_id, firmware_update_id=number)
    response = await service.GetFirmwareUpdate(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    found: service_pb.FirmwareUpdate = response.firmware_update
    return found


async def _report(station: ChargingStation, number: int, *statuses: str) -> service_pb.FirmwareUpdate:
    """FirmwareStatusNotifications of the update, and boots; each is what an operator sees. Returns the update."""
    for status in statuses:
        if status == "boot":
            await station.boot("FirmwareUpdate")
            continue
        assert await station.call("FirmwareStatusNotification", status=status, requestId=number) == {}
        assert (await _read(station, number)).reported_status == status
    return await _read(station, number)


async def _updated(station: ChargingStation, *statuses: str, later_s: int = 0) -> str:
    """The state of an update that the station accepts and reports on."""
    told = await _request(station, later_s=later_s)
    assert told.status == pb.UPDATE_FIRMWARE_STATUS_ACCEPTED
    update = await _report(station, told.firmware_update_id, *statuses)
    assert update.signed
    return _word(update)


def _word(update: service_pb.FirmwareUpdate) -> str:
    return service_pb.FirmwareUpdateState.Name(update.state).removeprefix("FIRMWARE_UPDATE_STATE_")


VERIFIED = ("Downloading", "Downloaded", "SignatureVerified")
INSTALLED = ("Installing", "InstallRebooting", "boot", "Installed")


async def test_tc_l_01_csms(station: ChargingStation) -> None:
    """Downloaded, verified and installed."""
    assert await _updated(station, *VERIFIED, *INSTALLED) == "INSTALLED"


async def test_tc_l_02_csms(station: ChargingStation) -> None:
    """The installation is for later."""
    assert await _updated(station, *VERIFIED, "InstallScheduled", *INSTALLED, later_s=60) == "INSTALLED"


async def test_tc_l_03_csms(station: ChargingStation) -> None:
    """The download is for later."""
    assert await _updated(station, "DownloadScheduled", *VERIFIED, *INSTALLED, later_s=60) == "INSTALLED"


async def _is_refused(station: ChargingStation, answer: str, status: pb.UpdateFirmwareStatus.ValueType) -> None:
    told = await _request(station, answer)
    assert told.status == status
    update = await _read(station, told.firmware_update_id)
    assert (_word(update), update.answer) == ("REJECTED", status)


async def test_tc_l_04_csms(station: ChargingStation) -> None:
    """The signing certificate was revoked."""
    await _is_refused(station, "RevokedCertificate", pb.UPDATE_FIRMWARE_STATUS_REVOKED_CERTIFICATE)


async def test_tc_l_05_csms(station: ChargingStation) -> None:
    """The signing certificate is not valid."""
    await _is_refused(station, "InvalidCertificate", pb.UPDATE_FIRMWARE_STATUS_INVALID_CERTIFICATE)


async def test_tc_l_06_csms(station: ChargingStation) -> None:
    """The signature is wrong: nothing is installed."""
    assert await _updated(station, "Downloading", "Downloaded", "InvalidSignature") == "FAILED"


async def test_tc_l_07_csms(station: ChargingStation) -> None:
    """The download fails."""
    assert await _updated(station, "Downloading", "DownloadFailed") == "FAILED"


async def test_tc_l_08_csms(station: ChargingStation) -> None:
    """The verification of the file fails."""
    assert await _updated(station, *VERIFIED, "Installing", "InstallVerificationFailed") == "FAILED"


async def test_tc_l_09_csms(station: ChargingStation) -> None:
    """The installation fails."""
    assert await _updated(station, *VERIFIED, "Installing", "InstallationFailed") == "FAILED"


async def test_tc_l_10_csms(station: ChargingStation) -> None:
    """A second update takes the place of one that is under way."""
    first = await _request(station)
    await _report(station, first.firmware_update_id, "Downloading")
    second = await _request(station, "AcceptedCanceled")
    assert second.status == pb.UPDATE_FIRMWARE_STATUS_ACCEPTED_CANCELED
    assert _word(await _read(station, first.firmware_update_id)) == "SUPERSEDED"
    assert _word(await _report(station, second.firmware_update_id, *VERIFIED, *INSTALLED)) == "INSTALLED"


async def test_tc_l_11_csms(station: ChargingStation) -> None:
    """A second update while the first can no longer be cancelled: it is rejected, and the first goes on."""
    first = await _request(station)
    await _report(station, first.firmware_update_id, *VERIFIED, "Installing")
    await _is_refused(station, "Rejected", pb.UPDATE_FIRMWARE_STATUS_REJECTED)
    assert (
        _word(await _report(station, first.firmware_update_id, "InstallRebooting", "boot", "Installed")) == "INSTALLED"
    )


async def test_tc_l_13_csms(station: ChargingStation) -> None:
    """The station waits for the end of a transaction, and lets no new one begin: its free connector is unavailable."""
    await station.charge()
    told = await _request(station)
    await _report(station, told.firmware_update_id, *VERIFIED)
    await station.status("Unavailable", evse_id=2)
    await station.update("ChargingStateChanged", "EVConnected")
    await station.stop()
    await station.is_ended()
    await station.status("Unavailable")
    assert _word(await _report(station, told.firmware_update_id, *INSTALLED)) == "INSTALLED"


# Publications by a local controller: L03, L04


CHECKSUM = "d41d8cd98f00b204e9800998ecf8427e"


async def _published(station: ChargingStation, *statuses: str) -> str:
    """PublishFirmware, accepted, and the station's reports; returns the state of the publication."""
    action, payload, told = await station.told(
        "PublishFirmware", {"status": "Accepted"}, location=LOCATION, checksum=CHECKSUM
    )
    number = told.firmware_publication_id
    assert (action, payload) == (
        "PublishFirmware",
        {"location": LOCATION, "checksum": CHECKSUM, "requestId": number},
    )
    for status in statuses:
        more = {"location": ["https://10.0.0.1/firmware.bin"]} if status == "Published" else {}
        answer = await station.call("PublishFirmwareStatusNotification", status=status, requestId=number, **more)
        assert answer == {}
    return await _publication_state(station, number)


async def _publication_state(station: ChargingStation, number: int) -> str:
    service: Any = FirmwarePublicationServiceStub(station.mesh.station_channel)
    request = publication_pb.GetFirmwarePublicationRequest(
        station_id=station.station_id, firmware_publication_id=number
    )
    response = await service.GetFirmwarePublication(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    state = response.firmware_publication.state
    return publication_pb.FirmwarePublicationState.Name(state).removeprefix("FIRMWARE_PUBLICATION_STATE_")


async def _unpublish(station: ChargingStation, answer: str) -> str:
    """UnpublishFirmware; returns the operator's status."""
    action, payload, told = await station.told("UnpublishFirmware", {"status": answer}, checksum=CHECKSUM)
    assert (action, payload) == ("UnpublishFirmware", {"checksum": CHECKSUM})
    return pb_publication.UnpublishFirmwareStatus.Name(told.status).removeprefix("UNPUBLISH_FIRMWARE_STATUS_")


FETCHED = ("DownloadScheduled", "Downloading", "Downloaded")


async def test_tc_l_17_csms(station: ChargingStation) -> None:
    """Downloaded, verified and published."""
    assert await _published(station, *FETCHED, "ChecksumVerified", "Published") == "PUBLISHED"


async def test_tc_l_19_csms(station: ChargingStation) -> None:
    """The checksum is another one."""
    assert await _published(station, *FETCHED, "InvalidChecksum") == "FAILED"


async def test_tc_l_20_csms(station: ChargingStation) -> None:
    """Publishing it fails."""
    assert await _published(station, *FETCHED, "ChecksumVerified", "PublishFailed") == "FAILED"


async def test_tc_l_21_csms(station: ChargingStation) -> None:
    """Published firmware is published no longer."""
    assert await _published(station, *FETCHED, "ChecksumVerified", "Published") == "PUBLISHED"
    assert await _unpublish(station, "Unpublished") == "UNPUBLISHED"


async def test_tc_l_22_csms(station: ChargingStation) -> None:
    """The station publishes no such firmware."""
    assert await _unpublish(station, "NoFirmware") == "NO_FIRMWARE"


async def test_tc_l_23_csms(station: ChargingStation) -> None:
    """Stations are downloading it."""
    assert await _published(station, *FETCHED, "ChecksumVerified", "Published") == "PUBLISHED"
    assert await _unpublish(station, "DownloadOngoing") == "DOWNLOAD_ONGOING"


async def test_tc_l_24_csms(station: ChargingStation) -> None:
    """The download fails."""
    assert await _published(station, "DownloadScheduled", "Downloading", "DownloadFailed") == "FAILED"
