"""Contracts with every revision, and those that a prospect has with our competitors."""
