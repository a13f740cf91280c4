"""Follows activities, what stations do over some time: firmware updates and uploads of logs, by what is reported."""
