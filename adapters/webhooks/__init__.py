"""Webhooks over HTTP: to which addresses, how they are signed, and one attempt."""
