"""All tables of station_svc: those of its features, and those of the whole service.

Alembic holds the migrations against this.
"""

from station_svc.commands.models import command
from station_svc.core.columns import metadata
from station_svc.core.models import (
    allocation,
    condition,
    connection,
    connector,
    node,
    outbox,
    quirk,
    removal,
    sighting,
    station,
    variable,
)
from station_svc.features.availability.models import status_report
from station_svc.features.certificates.models import certificate_request, installed_certificate
from station_svc.features.data_transfer.models import data_transfer
from station_svc.features.local_lists.models import local_list
from station_svc.features.message_log.models import message
from station_svc.features.reservations.models import reservation
from station_svc.features.security_events.models import security_event
from station_svc.features.smart_charging.models import charging_profile
from station_svc.follower.models import task, task_report
from station_svc.jobs.models import job
from station_svc.rollouts.models import rollout, rollout_target

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
