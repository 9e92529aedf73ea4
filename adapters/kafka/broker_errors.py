"""What can go wrong with the embedded Kafka, and what to do about it."""

from __future__ import annotations

from domain.errors import RelatoError


class BrokerError(RelatoError):
    """The embedded Kafka failed."""


class NoJavaError(BrokerError):
    """Kafka needs Java 17 or newer; install one (`apt install openjdk-17-jre-headless`), or do without `--kafka`."""


class NoMavenError(BrokerError):
    """Maven, which fetches Kafka's jars, is missing; install it (`apt install maven`), or do without `--kafka`."""


class JarsUnresolvedError(BrokerError):
    """Maven could not fetch Kafka's jars."""


class JarsMissingError(BrokerError):
    """Kafka's jars are missing; fetch them with `make kafka`."""


class PortInUseError(BrokerError):
    """Another program listens on the broker's port; stop it, or choose another port."""


class BrokerStartFailedError(BrokerError):
    """Kafka did not start."""


class BrokerNotReadyError(BrokerError):
    """Kafka is still starting, or hangs; wait a while and try again."""


class BrokerStopFailedError(BrokerError):
    """Kafka did not stop in time."""


class BrokerNotRunningError(BrokerError):
    """Kafka does not run; start it first."""
