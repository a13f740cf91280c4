"""Registers rollouts with the service, as a feature does; they are in a layer above the features that they use."""

from functools import partial

from csms.station.v1.rollout_service_pb2_grpc import add_RolloutServiceServicer_to_server

from station_svc.core.storage import Retention, Storage
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.rollouts import commands, firmware, store, variables
from station_svc.rollouts.commands import CommandWork
from station_svc.rollouts.firmware import FirmwareWork
from station_svc.rollouts.local_list_syncs import LocalListSyncs
from station_svc.rollouts.runner import Rollouts, Work
from station_svc.rollouts.servicer import RolloutServicer
from station_svc.rollouts.variables import VariablesWork


def _build(resources: Resources) -> FeatureParts:
    database, sender, clock = resources.database, resources.job_sender, resources.clock
    preparations = resources.preparations
    servicer = RolloutServicer(database=database, clock=clock, preparations=preparations)
    syncs = LocalListSyncs(database=database, clock=clock)
    works: dict[str, Work] = {
        variables.KIND: VariablesWork(database=database, sender=sender, clock=clock, preparations=preparations),
        firmware.KIND: FirmwareWork(database=database, sender=sender, clock=clock),
        commands.KIND: CommandWork(database=database, sender=sender, preparations=preparations, syncs=syncs),
    }
    rollouts = Rollouts(database=database, clock=clock, works=works)
    return FeatureParts(operator=[partial(add_RolloutServiceServicer_to_server, servicer)], jobs=rollouts.kinds())


FEATURE = Feature(
    storage=Storage(retention=[Retention(name="ROLLOUT", days=365, removals=[store.remove_old])]),
    build=_build,
)
