"""Events: the transactional outbox, and the relay that publishes its rows."""
