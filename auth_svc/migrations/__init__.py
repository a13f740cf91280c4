"""History of auth_svc's schema."""
