"""All tables of station_svc: those that its rooms have, and those of the whole service.

Alembic holds the migrations against this.
"""

import sqlalchemy as sa

from mesh.outbox import outbox_table
from station_svc.certificates.models import certificate_request, installed_certificate
from station_svc.charging_profiles.models import charging_profile
from station_svc.columns import Key, metadata, station_key
from station_svc.commands.models import command
from station_svc.ingest.models import data_transfer, message, status_report
from station_svc.jobs.models import job
from station_svc.local_lists.models import local_list
from station_svc.reservations.models import reservation
from station_svc.rollouts.models import rollout, rollout_target
from station_svc.security_events.models import security_event
from station_svc.stations.models import (
    condition,
    connection,
    connector,
    node,
    quirk,
    removal,
    sighting,
    station,
    variable,
)
from station_svc.tasks.models import task, task_report

# The latest number of each kind that a station was given (allocation_store.py).
allocation = sa.Table(
    "allocation",
    metadata,
    *station_key(),
    sa.Column("kind", Key, primary_key=True),
    sa.Column("latest", sa.BigInteger, nullable=False),
)

outbox = outbox_table(metadata)

__all__ = [
    "allocation",
    "certificate_request",
    "charging_profile",
    "command",
    "condition",
    "connection",
    "connector",
    "data_transfer",
    "installed_certificate",
    "job",
    "local_list",
    "message",
    "metadata",
    "node",
    "outbox",
    "quirk",
    "removal",
    "reservation",
    "rollout",
    "rollout_target",
    "security_event",
    "sighting",
    "station",
    "status_report",
    "task",
    "task_report",
    "variable",
]
