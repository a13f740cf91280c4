"""Follows what stations do over some time, firmware updates and uploads of logs, by what they report of it."""
