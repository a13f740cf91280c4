"""Tests of the job queue."""
