"""Stations of OCPP 2.0.1, on the `ocpp` library."""
