"""Registers reports about drivers with the service."""

from functools import partial

from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import customer_information_pb2 as pb
from csms.station.v1.customer_information_service_pb2_grpc import add_CustomerInformationServiceServicer_to_server

from mesh.contract.requests import check_text
from mesh.driver_tables import DriverTable
from mesh.grpc.types import Context
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.reader_forms import ReaderForms
from station_svc.core.storage import Retention, Storage, aged
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.customer_information import reports
from station_svc.features.customer_information.models import customer_report, customer_report_part
from station_svc.features.customer_information.servicer import CustomerInformationServicer

_MOST = 255


def _build(resources: Resources) -> FeatureParts:
    forms = ReaderForms(channel=resources.auth)
    servicer = CustomerInformationServicer(database=resources.database, clock=resources.clock)

    async def request(sent: pb.CustomerInformationRequest, context: Context | None) -> CommandHooks:
        """The station is sent the form of a token that readers send; the report keeps it as it was given."""
        _check(sent)
        given = IdToken()
        given.CopyFrom(sent.id_token)
        if given.id_token:
            await forms.apply(sent.id_token, context)
        return reports.RequestInformation(sent, given)

    return FeatureParts(
        operator=[partial(add_CustomerInformationServiceServicer_to_server, servicer)],
        commands={"CustomerInformation": request},
    )


def _check(sent: pb.CustomerInformationRequest) -> None:
    """Raises MeshError INVALID_FIELD for texts that could not be stored."""
    check_text("customer_identifier", sent.customer_identifier, most=_MOST)
    for name in ("id_token", "type"):
        check_text(f"id_token.{name}", getattr(sent.id_token, name), most=_MOST)
    for name in ("issuer_name_hash", "issuer_key_hash", "serial_number"):
        check_text(f"customer_certificate.{name}", getattr(sent.customer_certificate, name), most=_MOST)


FEATURE = Feature(
    storage=Storage(
        present=[customer_report, customer_report_part],
        retention=[
            Retention(
                name="CUSTOMER_REPORT",
                days=30,
                removals=[aged(customer_report_part.c.receive_us), aged(customer_report.c.create_us)],
            )
        ],
        drivers=[
            DriverTable(table=customer_report_part, decide=reports.part_of_driver),
            DriverTable(table=customer_report, decide=reports.of_driver),
        ],
    ),
    reports={"customer_information": reports.record},
    build=_build,
)
