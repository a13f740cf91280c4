"""Transactions: append-only events folded into what was charged, where, by whom, and how much."""
