"""Reservations of EVSEs."""
