"""Tamper evidence: a Merkle tree over the ledger's rows, its signed head, and bundles an auditor verifies offline."""
