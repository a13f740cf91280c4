"""A simulated charge point's OCPP 1.6J, on the `ocpp` library."""
