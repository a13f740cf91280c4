"""Charging profiles that stations hold."""
