"""Alembic history of transaction_svc's schema."""
