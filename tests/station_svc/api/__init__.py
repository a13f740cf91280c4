"""Tests of what operators ask of stations."""
