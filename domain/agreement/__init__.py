"""Agreements: what a partner's feed follows."""
