"""Registers reservations with the service."""

from functools import partial

from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import reservation_pb2
from csms.station.v1.reservation_service_pb2_grpc import add_ReservationServiceServicer_to_server

from mesh.driver_tables import DriverTable
from mesh.grpc.types import Context
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.reader_forms import ReaderForms
from station_svc.core.storage import Retention, Storage
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.reservations import rules, store
from station_svc.features.reservations.models import reservation
from station_svc.features.reservations.servicer import ReservationServicer, check_reserve


def _build(resources: Resources) -> FeatureParts:
    forms = ReaderForms(channel=resources.auth)
    servicer = ReservationServicer(
        database=resources.database, clock=resources.clock, sender=resources.sender, forms=forms
    )

    async def reserve(sent: reservation_pb2.ReserveNowRequest, context: Context | None) -> CommandHooks:
        """The reservation keeps the token as it was given."""
        check_reserve(sent)
        given = IdToken()
        given.CopyFrom(sent.id_token)
        await forms.apply(sent.id_token, context)
        return rules.Reserve(sent=sent, id_token=given)

    return FeatureParts(
        operator=[partial(add_ReservationServiceServicer_to_server, servicer)],
        commands={"ReserveNow": reserve, "CancelReservation": _cancel},
    )


async def _cancel(sent: reservation_pb2.CancelReservationRequest, _context: Context | None) -> CommandHooks:
    return rules.Cancel(reservation_id=sent.reservation_id)


FEATURE = Feature(
    storage=Storage(
        present=[reservation],
        retention=[Retention(name="RESERVATION", days=90, removals=[store.remove_old])],
        drivers=[DriverTable(table=reservation, decide=rules.of_driver)],
    ),
    reports={"reservation_use": rules.record_uses, "reservation_update": rules.record_updates},
    on_statuses=rules.follow_statuses,
    end_due=rules.end_due,
    build=_build,
)
