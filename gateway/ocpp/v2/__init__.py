"""Data types that OCPP 2.0.1 and 2.1 share. A translator that both use is here too, and both tables name it."""
