"""Work beside a server: background tasks, which are started again when they fail."""

from collections.abc import Awaitable, Callable

Background = Callable[[], Awaitable[None]]
"""Runs beside the servers until it is cancelled."""
