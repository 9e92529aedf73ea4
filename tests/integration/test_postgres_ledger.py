"""The ledger in PostgreSQL keeps the contract."""

from tests.contracts.ledger_contract import LedgerContract


class TestPostgresLedger(LedgerContract):
    pass
