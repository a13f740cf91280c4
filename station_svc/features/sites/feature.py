"""Registers the tree of sites with the service. Where stations stand: core/placement_store.py."""

from functools import partial

from csms.station.v1.site_service_pb2_grpc import add_SiteServiceServicer_to_server

from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.sites.servicer import SiteServicer


def _build(resources: Resources) -> FeatureParts:
    servicer = SiteServicer(database=resources.database, clock=resources.clock)
    return FeatureParts(operator=[partial(add_SiteServiceServicer_to_server, servicer)])


FEATURE = Feature(build=_build)
