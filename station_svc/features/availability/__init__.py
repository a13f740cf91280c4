"""Statuses of connectors."""
