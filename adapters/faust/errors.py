"""What can go wrong with a worker; each ends it, and who watches it starts another."""

from __future__ import annotations

from domain.errors import RelatoError


class WorkerEndedError(RelatoError):
    """Faust ended by itself; the log says why."""


class MadeAnewError(RelatoError):
    """A topic ends before what was read of it: it was published anew, and is to be read anew."""


class NotAloneError(RelatoError):
    """Kafka gave this worker of the windows only some of the partitions: another one runs in its group."""


class NotSentError(RelatoError):
    """Kafka did not take what the windows' worker sent; another one begins anew."""
