"""Retention of commands."""

from station_svc.commands.models import command
from station_svc.core.storage import Retention, Storage, aged

STORAGE = Storage(retention=[Retention(name="COMMAND", days=30, removals=[aged(command.c.create_us)])])
