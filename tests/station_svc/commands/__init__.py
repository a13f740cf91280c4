"""Tests of the way of commands."""
