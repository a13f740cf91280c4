"""Firmware updates: the command that begins one, reports of stations, and boots that show that it is done."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from csms.station.v1 import firmware_pb2, firmware_service_pb2
from sqlalchemy import Connection

from mesh.contract.texts import replace_nul
from mesh.events import outbox
from mesh.runtime.error_reasons import Reason
from mesh.runtime.masking import mask_text
from mesh.runtime.times import Clock, from_timestamp, to_timestamp
from station_svc.core.names import name_of
from station_svc.core.reports import Boot
from station_svc.core.rows import Frame
from station_svc.follower import activities, store
from station_svc.follower.rows import DONE, FAILED, REQUESTED, ActivityKind, ActivityReport, ActivityRow
from station_svc.follower.rules import moved

# csms.station.v1.FirmwareUpdateState
SCHEDULED = firmware_service_pb2.FIRMWARE_UPDATE_STATE_SCHEDULED
DOWNLOADING = firmware_service_pb2.FIRMWARE_UPDATE_STATE_DOWNLOADING
DOWNLOADED = firmware_service_pb2.FIRMWARE_UPDATE_STATE_DOWNLOADED
INSTALLING = firmware_service_pb2.FIRMWARE_UPDATE_STATE_INSTALLING

KIND = ActivityKind(
    name="firmware_update",
    states={
        firmware_pb2.FIRMWARE_STATUS_DOWNLOAD_SCHEDULED: SCHEDULED,
        firmware_pb2.FIRMWARE_STATUS_DOWNLOADING: DOWNLOADING,
        firmware_pb2.FIRMWARE_STATUS_DOWNLOAD_PAUSED: DOWNLOADING,
        firmware_pb2.FIRMWARE_STATUS_DOWNLOADED: DOWNLOADED,
        firmware_pb2.FIRMWARE_STATUS_SIGNATURE_VERIFIED: DOWNLOADED,
        firmware_pb2.FIRMWARE_STATUS_INSTALL_SCHEDULED: DOWNLOADED,
        firmware_pb2.FIRMWARE_STATUS_INSTALLING: INSTALLING,
        firmware_pb2.FIRMWARE_STATUS_INSTALL_REBOOTING: INSTALLING,
        firmware_pb2.FIRMWARE_STATUS_INSTALLED: DONE,
        firmware_pb2.FIRMWARE_STATUS_DOWNLOAD_FAILED: FAILED,
        firmware_pb2.FIRMWARE_STATUS_INSTALLATION_FAILED: FAILED,
        firmware_pb2.FIRMWARE_STATUS_INSTALL_VERIFICATION_FAILED: FAILED,
        firmware_pb2.FIRMWARE_STATUS_INVALID_SIGNATURE: FAILED,
    },
    event_type="station.firmware_update_changed",
    id_name="firmwareUpdateId",
    state_name=partial(name_of, firmware_service_pb2.FirmwareUpdateState.Name),
    status_name=partial(name_of, firmware_pb2.FirmwareStatus.Name),
    exists_reason=Reason.FIRMWARE_UPDATE_EXISTS,
    not_found_reason=Reason.FIRMWARE_UPDATE_NOT_FOUND,
)


def complete(sent: firmware_pb2.UpdateFirmwareRequest, clock: Clock) -> None:
    """Fills in what is sent, in place: a number, and a time to fetch the firmware, where it has none."""
    if not sent.firmware_update_id:
        sent.firmware_update_id = 1 + secrets.randbelow(2**31 - 1)
    if not sent.firmware.HasField("retrieve_time"):
        sent.firmware.retrieve_time.CopyFrom(to_timestamp(clock()))


def hooks_of(sent: firmware_pb2.UpdateFirmwareRequest) -> activities.ActivityHooks:
    """The hooks of a request, as `complete` made it: it makes a FirmwareUpdate."""
    firmware = sent.firmware
    columns = {
        "location": replace_nul(mask_text(firmware.location)),
        "is_signed": bool(firmware.signing_certificate or firmware.signature),
        "retrieve_us": from_timestamp(firmware.retrieve_time),
        "install_us": from_timestamp(firmware.install_time) if firmware.HasField("install_time") else None,
        "retries": sent.retries if sent.HasField("retries") else None,
        "retry_interval_s": sent.retry_interval_s if sent.HasField("retry_interval_s") else None,
    }
    return activities.ActivityHooks(KIND, sent.firmware_update_id, columns)


def record(connection: Connection, reports: Sequence[tuple[Frame, firmware_pb2.FirmwareStatusReport]]) -> None:
    """Takes what stations report of their updates. See station_svc.feature.ReportHandler."""
    activities.record(connection, KIND, [_to_report(frame, report) for frame, report in reports])


def booted(connection: Connection, boots: Sequence[Boot]) -> None:
    """Completes the update of a station that boots with another version than before, with or without a report.

    The stations are locked. Only an update that is under way counts, and only if it was requested of the station.
    """
    found: dict[tuple[str, str], list[ActivityRow]] = {}
    for activity in (
        store.open_activities(connection, KIND.name, {boot.frame.station for boot in boots}) if boots else ()
    ):
        found.setdefault(activity.station, []).append(activity)
    done = []
    for boot in sorted(boots, key=lambda boot: boot.frame.version):
        frame, version = boot.frame, boot.identity["firmware_version"]
        for activity in found.get(frame.station, ()):
            if activity.state != REQUESTED and _is_new(activity, boot):
                after = moved(activity, DONE, frame.receive_us)
                done.append(replace(after, installed_version=version, epoch=frame.epoch, ordinal=frame.ordinal))
    first = {(*activity.station, activity.task_id): activity for activity in reversed(done)}
    store.save(connection, first.values())
    outbox.append(
        connection,
        [activities.event(KIND, activity, f"{activity.epoch}:{activity.ordinal}") for activity in first.values()],
    )


def _is_new(activity: ActivityRow, boot: Boot) -> bool:
    """Whether a boot, after all that was reported of an update, has another version than before the update."""
    later = boot.frame.version > activity.version and boot.frame.receive_us >= activity.create_us
    before, now = activity.previous_version, boot.identity["firmware_version"]
    return later and "" not in {before, now} and before != now


def _to_report(frame: Frame, report: firmware_pb2.FirmwareStatusReport) -> ActivityReport:
    return ActivityReport(
        frame=frame,
        status=report.status,
        reported_status=report.reported_status,
        named_id=report.firmware_update_id if report.HasField("firmware_update_id") else None,
    )
