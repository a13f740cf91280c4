"""Commands that leave nothing here but their record: start and stop, reset, unlock, trigger, any call."""
