"""The audit: who changed or commanded which resource, chained by hashes. docs/AUDIT.md, ADR 29."""
