"""Certificates that stations request, and those that they have."""
