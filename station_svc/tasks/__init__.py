"""What stations do over some time: firmware updates, uploads of logs."""
