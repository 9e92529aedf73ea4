"""Read models: folded from the ledger, a folder per department."""
