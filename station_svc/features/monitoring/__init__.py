"""Monitors of stations, the alarms that they raise, and the readings that they report."""
