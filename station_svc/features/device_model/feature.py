"""Registers device models with the service: variables, their reports and changes, and network profiles."""

from functools import partial

from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import network_profile_pb2
from csms.station.v1.device_model_service_pb2_grpc import add_DeviceModelServiceServicer_to_server

from mesh.grpc.types import Context
from mesh.runtime.errors import invalid_field
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.variables import RememberVariables, Sent
from station_svc.core.storage import Retention, Storage, aged
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.device_model import reports
from station_svc.features.device_model.base_report import KIND, BaseReports, follow_versions
from station_svc.features.device_model.models import network_profile, variable_report, variable_report_part
from station_svc.features.device_model.network_profiles import ProfileHooks
from station_svc.features.device_model.servicer import DeviceModelServicer


def _build(resources: Resources) -> FeatureParts:
    servicer = DeviceModelServicer(database=resources.database)
    base_reports = BaseReports(sender=resources.job_sender)
    return FeatureParts(
        operator=[partial(add_DeviceModelServiceServicer_to_server, servicer)],
        jobs={KIND: base_reports.kind},
        commands={
            "GetVariables": _get_variables,
            "SetVariables": _set_variables,
            "GetBaseReport": _report,
            "GetReport": _report,
            "SetNetworkProfile": _set_network_profile,
        },
    )


async def _get_variables(sent: pb.GetVariablesRequest, _context: Context | None) -> CommandHooks:
    _check_limits(sent)
    return RememberVariables(sent)


async def _set_variables(sent: pb.SetVariablesRequest, _context: Context | None) -> CommandHooks:
    _check_limits(sent)
    return RememberVariables(sent)


def _check_limits(sent: Sent) -> None:
    for name, value in (("items_per_message", sent.items_per_message), ("bytes_per_message", sent.bytes_per_message)):
        if value < 0:
            raise invalid_field(name, "must not be below 0")


async def _report(sent: reports.Request, _context: Context | None) -> CommandHooks:
    reports.complete(sent)
    return reports.ReportHooks(sent)


async def _set_network_profile(
    sent: network_profile_pb2.SetNetworkProfileRequest, _context: Context | None
) -> CommandHooks:
    return ProfileHooks(sent)


FEATURE = Feature(
    storage=Storage(
        present=[variable_report, variable_report_part, network_profile],
        retention=[
            Retention(
                name="VARIABLE_REPORT",
                days=90,
                removals=[aged(variable_report_part.c.receive_us), aged(variable_report.c.update_us)],
            )
        ],
    ),
    reports={"variable_report_part": reports.record},
    end_due=reports.end_due,
    on_version_changes=follow_versions,
    build=_build,
)
