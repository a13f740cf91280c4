"""Vendors' own messages (OCPP DataTransfer)."""
