"""The ledger test (`make chaos`): nothing acknowledged is lost or doubled, whatever is killed meanwhile.

A fleet of raw stations writes down every acknowledgement it receives, in memory. PostgreSQL, every service, two
gateways and Envoy are killed with SIGKILL at random and started again. At the end the acknowledgements of stations are
compared with what the mesh has.
"""
