"""The process: its start and stop, settings, logs, errors and times. It imports no other part of the mesh package."""
