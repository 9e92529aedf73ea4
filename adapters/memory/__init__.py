"""Ledger and vault in memory: real in behaviour, gone with the process; for unit tests and dry runs."""
