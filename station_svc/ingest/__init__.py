"""What gateways report, beside what has a room of its own."""
