"""Certificates that stations ask for, and those that they have."""
