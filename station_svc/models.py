"""All tables of station_svc. Alembic holds the migrations against `metadata`, in which each feature has its tables."""

from station_svc.core.columns import metadata

__all__ = ["metadata"]
