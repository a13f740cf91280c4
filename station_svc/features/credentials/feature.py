"""What stations' credentials add to the service."""

from station_svc.feature import Feature, Parts, Resources
from station_svc.features.credentials.first import KIND, FirstCredential


def _build(resources: Resources) -> Parts:
    first = FirstCredential(database=resources.database, sender=resources.job_sender, closer=resources.closer)
    return Parts(jobs={KIND: first.kind})


FEATURE = Feature(build=_build)
