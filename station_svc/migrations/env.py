"""The environment that Alembic runs for each upgrade."""

from mesh.database.migrate import run_environment
from station_svc.models import metadata

run_environment(metadata)
