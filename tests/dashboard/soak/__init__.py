"""The dashboard under a large fleet, measured: `make soak-dashboard` (docs/DASHBOARD.md, "Soak")."""
