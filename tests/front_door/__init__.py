"""Tests of the front door, through the real mesh."""
