"""The contract as programs read it: its services, its options, required fields, and words that are compared."""
