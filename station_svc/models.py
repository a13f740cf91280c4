"""All tables of station_svc. Alembic holds the migrations against `metadata`, in which each feature has its tables."""

from station_svc import catalogue  # noqa: F401 - which brings the tables of every feature
from station_svc.core.columns import metadata

__all__ = ["metadata"]
