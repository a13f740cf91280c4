"""Tests of the local run: how it starts, what it says, that nothing stays behind."""
