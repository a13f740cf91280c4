"""A folder per feature, a functional block of OCPP as a rule; none imports another (docs/ARCHITECTURE.md)."""
