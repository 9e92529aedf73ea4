"""Says why a server does not take us: a client tries again, tells only its log, and then that nobody answered."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any

from kafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    KafkaTimeoutError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from adapters.kafka.cluster import PROBE_S, Cluster
from adapters.kafka.topic_errors import (
    OtherHostError,
    UntrustedServerError,
    WrongCredentialsError,
    WrongProtocolError,
    tell,
)
from domain.errors import RelatoError

ATTEMPTS = 2  # so often a server must hang up in the same way: it may be about to stop
HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH = 62, 64  # OpenSSL's


def require_welcome(cluster: Cluster) -> None:
    """Raises UntrustedServerError, OtherHostError, WrongCredentialsError, WrongProtocolError.

    Says nothing where no server is reached, or all is well.
    """
    found: RelatoError | None = None
    for _ in range(ATTEMPTS):
        if (found := _greet(cluster)) is None:
            return
    if found:
        raise found


def _greet(cluster: Cluster) -> RelatoError | None:
    """What the first server has against us that has anything."""
    net = NetworkSelector()
    manager = KafkaConnectionManager(net, **cluster.settings())
    try:
        for server in manager.cluster.bootstrap_brokers():
            try:
                found = _shake_hands(cluster, server) or _speak(net, manager, server)
            except OSError:  # it is not reached, or silent
                continue
            if found:
                return found
    finally:
        manager.close()
        net.close()
    return None


def _shake_hands(cluster: Cluster, server: Any) -> RelatoError | None:
    """With TLS; by ourselves, for kafka-python leaves open what fails at this, and waits without a limit."""
    if not cluster.security.get("security_protocol", "").endswith("SSL"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if file := cluster.security.get("ssl_cafile"):
        context.load_verify_locations(file)
    else:
        context.load_default_certs()
    try:
        with (
            socket.create_connection((server.host, server.port), PROBE_S) as line,
            context.wrap_socket(line, server_hostname=server.host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        is_other = error.verify_code in (HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH)
        return (OtherHostError if is_other else UntrustedServerError)(**_told(server, error))
    except (ssl.SSLError, ConnectionResetError) as error:
        return WrongProtocolError(**_told(server, error))


def _speak(net: Any, manager: Any, server: Any) -> RelatoError | None:
    patience = {"timeout_ms": PROBE_S * 1000, "pop_on_close": False, "refresh_metadata_on_err": False}
    connection = manager.get_connection(server.node_id, **patience)
    net.call_at(time.monotonic() + PROBE_S, lambda: connection.close(KafkaTimeoutError()))

    async def speak() -> None:
        await connection
        await manager.cluster.refresh_metadata(server.node_id)  # where we must say who we are, it is the first refused

    try:
        net.run(speak)
    except (KafkaError, OSError) as error:
        return _understand(error, connection, server)
    return None


def _understand(error: BaseException, connection: Any, server: Any) -> RelatoError | None:
    told = _told(server, error)
    if isinstance(error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError):
        return WrongCredentialsError(**told)
    if isinstance(error, IllegalSaslStateError):
        return WrongProtocolError(**told)
    if isinstance(error, KafkaTimeoutError) or connection.parser is None:
        return None  # it is not reached, or silent
    # kafka-python loses a refusal that comes together with the end of the connection
    has_answered = connection.broker_version_data is not None
    return WrongCredentialsError(**told) if connection.sasl_enabled and has_answered else WrongProtocolError(**told)


def _told(server: Any, error: BaseException) -> Mapping[str, object]:
    return {"server": f"{server.host}:{server.port}", "reason": tell(error)}
