"""Transactions: recorded events, and the state that is derived from them: energy, EVSE, id token, begin and end."""
