"""Tests of what gateways report."""
