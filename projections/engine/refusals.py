"""What a database error means: the rows are refused, the database is away or busy, or something is wrong."""

from __future__ import annotations

import psycopg

from projections.engine.fold import describe

# Classes of SQLSTATE: data exception, integrity violation, a row or index entry too large.
_REFUSED = ("22", "23", "54")
_TRANSIENT = (
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,  # we slept, and the server let go of our locks
    psycopg.errors.TransactionTimeout,
)
_PYTHON = (TypeError, ValueError, AttributeError, ArithmeticError, LookupError)


def is_refusal(error: BaseException) -> bool:
    """Whether these rows will never be taken, by the server or by the driver that encodes them."""
    if not isinstance(error, psycopg.Error):
        return isinstance(error, _PYTHON)
    if error.sqlstate is None:
        return isinstance(error, (psycopg.DataError, psycopg.ProgrammingError))
    return error.sqlstate.startswith(_REFUSED)


def is_transient(error: BaseException) -> bool:
    """Whether the same may succeed later: a lost connection, a full disk, a lock, a server that is shutting down."""
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return not is_refusal(error)
    return isinstance(error, _TRANSIENT)


def explain(error: BaseException) -> str:
    """The refusal without the values that were refused."""
    if isinstance(error, psycopg.Error) and error.sqlstate:
        diagnostics = error.diag
        names = (diagnostics.table_name, diagnostics.column_name, diagnostics.constraint_name)
        place = ".".join(name for name in names if name)
        return f"{type(error).__name__}: {diagnostics.message_primary}{place and f' ({place})'}"
    return describe(error)
