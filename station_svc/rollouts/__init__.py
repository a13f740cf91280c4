"""Rollouts of firmware and variables to many stations."""
