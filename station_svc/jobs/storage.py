"""Retention of jobs after their end."""

from station_svc.core.storage import Retention, Storage, aged
from station_svc.jobs.models import job

STORAGE = Storage(retention=[Retention(name="JOB", days=30, removals=[aged(job.c.finish_us)])])
