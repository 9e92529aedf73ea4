"""What `relato doctor` looks at, each with what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from adapters.cli.installation import Check
from adapters.kafka.checksum import require_fast_checksum
from adapters.kafka.jars import find_java
from adapters.keys.master import read_keys
from adapters.postgres.status import read_clock
from deploy import kafka_parts
from deploy.settings import Settings
from deploy.wiring import Installation
from domain.errors import RelatoError, SecretLostError
from streams.webhooks.endpoints import find_endpoints

LEAST_FREE_BYTES = 1 << 30
CLOCKS_APART = timedelta(seconds=5)


def check_all(settings: Settings) -> Sequence[Check]:
    """Those that build on a part that is not fine are left out."""
    with Installation(settings) as installation:
        return [*_check_machine(settings), *_check_databases(installation), *_check_kafka(settings)]


def _try(name: str, look: Callable[[], str], *, is_needed: bool = True) -> Check:
    """The error says what to do."""
    try:
        return Check(name, is_fine=True, found=look(), is_needed=is_needed)
    except (RelatoError, OSError) as error:
        return Check(name, is_fine=False, found="", advice=str(error), is_needed=is_needed)


def _check_machine(settings: Settings) -> Iterator[Check]:
    home = settings.home.absolute()
    place = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    advice = "" if free > LEAST_FREE_BYTES else "make room: PostgreSQL stops when its disk is full"
    yield Check("disk space", is_fine=not advice, found=f"{free / 2**30:.1f} GiB free at {place}", advice=advice)


def _check_databases(installation: Installation) -> Iterator[Check]:
    server = _try("PostgreSQL", lambda: _describe_server(installation))
    yield server
    if not server.is_fine:
        return
    migrations = _try("migrations", lambda: installation.databases and "up to date")
    yield migrations
    if not migrations.is_fine:
        return
    yield _try("keys database", lambda: f"reached, {_count_keys(installation)}")
    yield _try("master key", lambda: _describe_master_key(installation))
    yield _check_clock(installation)
    yield _try("webhook secrets", lambda: _describe_webhook_secrets(installation))
    yield _try("ledger", lambda: f"position {installation.ledger.last_position()}")


def _describe_server(installation: Installation) -> str:
    read_clock(installation.server.dsn() if installation.server else installation.settings.database or "")
    return "the one given" if installation.settings.database else "embedded"


def _count_keys(installation: Installation) -> str:
    read_clock(installation.databases.keys)
    return "apart from the ledger's"


def _describe_master_key(installation: Installation) -> str:
    _ = installation.vault
    if installation.settings.master_key:
        return "from RELATO_MASTER_KEY"
    file = installation.settings.key_file
    is_rotating = len(read_keys(file)) > 1
    return f"{file}, 0600{'; its rotation is not finished: relato key rotate-master' if is_rotating else ''}"


def _describe_webhook_secrets(installation: Installation) -> str:
    """Raises SecretLostError."""
    sending = [one.endpoint_id for one in installation.webhooks.standings().values() if one.sends]
    endpoints, signer = find_endpoints(installation.ledger, sending), installation.webhook_signer
    if lost := [endpoint_id for endpoint_id in sending if signer.is_lost(endpoint_id, endpoints[endpoint_id])]:
        raise SecretLostError(endpoints=", ".join(map(str, lost)))
    return f"of {len(sending)} endpoints"


def _check_clock(installation: Installation) -> Check:
    apart = abs(read_clock(installation.databases.ledger) - datetime.now(UTC))
    advice = "" if apart < CLOCKS_APART else "set both clocks by a time server: facts are dated by them"
    return Check("clock", is_fine=not advice, found=f"{apart.total_seconds():.1f} s from PostgreSQL's", advice=advice)


def _check_kafka(settings: Settings) -> Iterator[Check]:
    is_needed = settings.kafka is not None
    yield _try("Java", find_java, is_needed=is_needed)
    maven, advice = shutil.which("mvn"), "install it (`apt install maven`) for --kafka"
    yield Check("Maven", maven is not None, maven or "", "" if maven else advice, is_needed=False)
    yield _try("crc32c", _describe_checksum, is_needed=is_needed)
    if is_needed:
        yield _try("Kafka", lambda: _reach(settings))


def _describe_checksum() -> str:
    require_fast_checksum()
    return "installed"


def _reach(settings: Settings) -> str:
    """Makes the topics that are missing."""
    cluster = kafka_parts.cluster_of(settings)
    kafka_parts.prepare_topics(cluster)
    return cluster.servers
