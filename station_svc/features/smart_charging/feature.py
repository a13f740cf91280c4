"""What charging profiles add to the service."""

from functools import partial

from csms.station.v1.charging_profile_service_pb2_grpc import add_ChargingProfileServiceServicer_to_server

from station_svc.core.storage import Retention, Storage
from station_svc.feature import Feature, Parts, Resources
from station_svc.features.smart_charging import rules, store
from station_svc.features.smart_charging.models import charging_profile
from station_svc.features.smart_charging.servicer import ChargingProfileServicer


def _build(resources: Resources) -> Parts:
    servicer = ChargingProfileServicer(database=resources.database, clock=resources.clock)
    return Parts(operator=[partial(add_ChargingProfileServiceServicer_to_server, servicer)])


FEATURE = Feature(
    storage=Storage(
        present=[charging_profile],
        retention=[Retention(name="CHARGING_PROFILE", days=90, removals=[store.remove_old])],
    ),
    reports={"transaction_end": rules.record_transaction_ends},
    on_statuses=rules.follow_statuses,
    end_due=rules.end_due,
    build=_build,
)
