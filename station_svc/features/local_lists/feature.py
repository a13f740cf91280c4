"""Registers local lists with the service."""

from functools import partial

from csms.station.v1 import local_list_pb2
from csms.station.v1.local_list_service_pb2_grpc import add_LocalListServiceServicer_to_server

from mesh.driver_tables import DriverTable
from mesh.grpc.types import Context
from station_svc.commands.hooks import CommandHooks
from station_svc.core.storage import Storage
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.local_lists import driver_entries
from station_svc.features.local_lists.hooks import RememberList, RememberVersion
from station_svc.features.local_lists.models import local_list
from station_svc.features.local_lists.servicer import LocalListServicer
from station_svc.features.local_lists.sync import KIND, LocalListSync, follow_versions

# A list may have some ten thousand entries.
_FEW = 10


def _build(resources: Resources) -> FeatureParts:
    servicer = LocalListServicer(database=resources.database, clock=resources.clock)
    sync = LocalListSync(database=resources.database, auth=resources.auth, sender=resources.job_sender)
    return FeatureParts(
        operator=[partial(add_LocalListServiceServicer_to_server, servicer)],
        jobs={KIND: sync.kind},
        commands={"GetLocalListVersion": _get_version, "SendLocalList": _send},
    )


async def _get_version(_sent: local_list_pb2.GetLocalListVersionRequest, _context: Context | None) -> CommandHooks:
    return RememberVersion()


async def _send(sent: local_list_pb2.SendLocalListRequest, _context: Context | None) -> CommandHooks:
    return RememberList(sent)


FEATURE = Feature(
    storage=Storage(
        present=[local_list],
        drivers=[DriverTable(table=local_list, decide=driver_entries.without, about=driver_entries.about, page=_FEW)],
    ),
    on_version_changes=follow_versions,
    build=_build,
)
