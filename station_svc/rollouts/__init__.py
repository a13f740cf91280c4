"""Firmware and variables, brought to many stations."""
