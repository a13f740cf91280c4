"""Publications of firmware by local controllers: the commands that begin and end one, and reports of stations."""

import secrets
from collections.abc import Sequence
from functools import partial

import msgspec
from csms.station.v1 import firmware_publication_pb2 as pb
from csms.station.v1 import firmware_publication_service_pb2 as service_pb
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.contract.texts import replace_nul
from mesh.events import outbox
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.masking import mask_text
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import NewCommand
from station_svc.core.lock_store import lock_stations
from station_svc.core.names import name_of
from station_svc.core.rows import Frame
from station_svc.follower import activities, store
from station_svc.follower.rows import DONE, FAILED, WITHDRAWN, ActivityKind, ActivityReport
from station_svc.follower.rules import moved

# csms.station.v1.FirmwarePublicationState
SCHEDULED = service_pb.FIRMWARE_PUBLICATION_STATE_SCHEDULED
DOWNLOADING = service_pb.FIRMWARE_PUBLICATION_STATE_DOWNLOADING
DOWNLOADED = service_pb.FIRMWARE_PUBLICATION_STATE_DOWNLOADED

KIND = ActivityKind(
    name="firmware_publication",
    states={
        pb.PUBLISH_FIRMWARE_STATUS_DOWNLOAD_SCHEDULED: SCHEDULED,
        pb.PUBLISH_FIRMWARE_STATUS_DOWNLOADING: DOWNLOADING,
        pb.PUBLISH_FIRMWARE_STATUS_DOWNLOAD_PAUSED: DOWNLOADING,
        pb.PUBLISH_FIRMWARE_STATUS_DOWNLOADED: DOWNLOADED,
        pb.PUBLISH_FIRMWARE_STATUS_CHECKSUM_VERIFIED: DOWNLOADED,
        pb.PUBLISH_FIRMWARE_STATUS_PUBLISHED: DONE,
        pb.PUBLISH_FIRMWARE_STATUS_DOWNLOAD_FAILED: FAILED,
        pb.PUBLISH_FIRMWARE_STATUS_INVALID_CHECKSUM: FAILED,
        pb.PUBLISH_FIRMWARE_STATUS_PUBLISH_FAILED: FAILED,
    },
    event_type="station.firmware_publication_changed",
    id_name="firmwarePublicationId",
    state_name=partial(name_of, service_pb.FirmwarePublicationState.Name),
    status_name=partial(name_of, pb.PublishFirmwareStatus.Name),
    exists_reason=Reason.FIRMWARE_PUBLICATION_EXISTS,
    not_found_reason=Reason.FIRMWARE_PUBLICATION_NOT_FOUND,
)

# Answers after which the station publishes no such firmware.
_GONE = frozenset({pb.UNPUBLISH_FIRMWARE_STATUS_UNPUBLISHED, pb.UNPUBLISH_FIRMWARE_STATUS_NO_FIRMWARE})


def hooks_of(sent: pb.PublishFirmwareRequest) -> activities.ActivityHooks:
    """The hooks of a request, which gets a number, in place, where it has none: it makes a FirmwarePublication."""
    if not sent.firmware_publication_id:
        sent.firmware_publication_id = 1 + secrets.randbelow(2**31 - 1)
    columns = {
        "location": replace_nul(mask_text(sent.location)),
        "checksum": replace_nul(sent.checksum).lower(),
        "retries": sent.retries if sent.HasField("retries") else None,
        "retry_interval_s": sent.retry_interval_s if sent.HasField("retry_interval_s") else None,
    }
    return activities.ActivityHooks(KIND, sent.firmware_publication_id, columns)


class Unpublish(CommandHooks):
    """A request to publish firmware no longer."""

    def __init__(self, checksum: str) -> None:
        self._checksum = checksum.lower()

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Its publications, of which there may be several, are withdrawn once the station does not have it any more."""
        if not isinstance(outcome, pb.UnpublishFirmwareResponse) or outcome.status not in _GONE:
            return
        lock_stations(connection, [(new.tenant_id, new.station_id)])
        published = store.published(
            connection, KIND.name, DONE, tenant_id=new.tenant_id, station_id=new.station_id, checksum=self._checksum
        )
        after = [moved(activity, WITHDRAWN, now_us) for activity in published]
        store.save(connection, after)
        outbox.append(connection, [activities.event(KIND, one, f"command:{new.command_id}") for one in after])


def record(connection: Connection, reports: Sequence[tuple[Frame, pb.FirmwarePublicationReport]]) -> None:
    """Takes what stations report of their publications. See station_svc.feature.ReportHandler."""
    activities.record(connection, KIND, [_to_report(frame, report) for frame, report in reports])


def decode_locations(text: str) -> list[str]:
    """The URIs of a publication, as they are stored."""
    return msgspec.json.decode(text, type=list[str]) if text else []


def _to_report(frame: Frame, report: pb.FirmwarePublicationReport) -> ActivityReport:
    locations = [replace_nul(mask_text(location)) for location in report.locations]
    return ActivityReport(
        frame=frame,
        status=report.status,
        reported_status=report.reported_status,
        named_id=report.firmware_publication_id if report.HasField("firmware_publication_id") else None,
        locations=msgspec.json.encode(locations).decode() if locations else "",
    )
