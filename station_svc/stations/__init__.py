"""Stations as operators see them."""
