"""Settings: from the environment (`RELATO_…`) and the command line; nothing else reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.attachments.media_types import DEFAULT_TYPES
from adapters.http.issuer_address import check_address
from domain.access.facts import Held, Role, Rows
from domain.ticket.facts import Priority
from streams.windows.rules import TARGETS, Rules

EMBEDDED = "embedded"
OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"  # the standard's name, not one of ours


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone; write one like Europe/Lisbon") from error
    return name


def _http_address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("write where the collector takes OTLP over HTTP, like http://collector:4318")
    return text


def _held(text: object) -> object:
    """`sales`, or with its scope `sales:team`."""
    if not isinstance(text, str):
        return text
    role, _, scope = text.partition(":")
    return Held(Role(role), Rows(scope or Rows.ALL))


class Settings(BaseSettings):
    """Without any of them everything runs embedded under `home`."""

    model_config = SettingsConfigDict(env_prefix="RELATO_", extra="ignore")

    home: Path = Path(".relato")
    database: str | None = None  # of the ledger and the read models; its user must be their owner
    keys_database: str | None = None  # by default the ledger's name with _keys, on the same server
    kafka: str | None = None  # HOST:PORT, or "embedded"
    kafka_jars: Path | None = None  # by default under home; Maven resolves them once
    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"  # of ours with HOST:PORT
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_user: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: Path | None = None  # whose certificates are trusted; else the system's
    kafka_partners: str | None = None  # HOST:PORT where partners come in, if it is another
    kafka_partners_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] = "SASL_SSL"
    master_key: SecretStr | None = None  # base64 of 32 bytes; else the file
    master_key_file: Path | None = None
    tombstones_file: Path | None = None  # who was erased, for a restore; best on another disk
    installation: str = "relato"  # the name that signs checkpoints and marks events' source
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"  # the company's: of its days and months
    principal: str = "operator"
    role: Role = Role.ADMINISTRATOR
    scope: Rows = Rows.ALL  # whose rows the principal sees on the command line
    host: str = "127.0.0.1"  # where the API listens
    port: int = 8000
    api_threads: int = 32  # commands and reads at once
    api_cpu: int | None = Field(default=None, ge=0)  # the processor that the API keeps to, on Linux; else any
    requests_per_s: float | None = Field(default=None, gt=0)  # of one caller; no limit unless given
    failures_per_minute: int = Field(default=30, ge=0)  # keys of one address that open nothing; 0: any number
    log_requests: bool = True  # one line each, without values
    otlp_endpoint: Annotated[str, AfterValidator(_http_address)] | None = Field(default=None, validation_alias=OTLP)
    trace_ratio: float = Field(default=0.1, ge=0, le=1)  # so many of the requests, by their correlation id
    metrics: Literal["administrators", "loopback"] = "administrators"  # who reads /metrics; loopback: and this machine
    attachment_bytes: int = Field(default=100 * 1024 * 1024, gt=0)  # of one file
    attachment_types: tuple[str, ...] = DEFAULT_TYPES  # application/octet-stream takes anything
    import_bytes: int = Field(default=2 << 30, gt=0)  # of an upload, packed as it is
    import_expanded_bytes: int = Field(default=16 << 30, gt=0)  # and unpacked
    oidc_issuer: Annotated[str, AfterValidator(check_address)] | None = None  # whose tokens open beside API keys
    oidc_audience: str = "relato"
    oidc_roles: Mapping[str, Annotated[Held, BeforeValidator(_held)]] = {}  # JSON, like {"crm-sales": "sales:team"}
    oidc_roles_claim: str = "roles"  # with dots where it lies deeper
    oidc_acts_as_claim: str = "employee_id"
    live_days: int = Field(default=30, gt=0, le=30)  # so far back the live windows read their topics when they start
    sla_hours: Mapping[Priority, Annotated[float, Field(gt=0)]] = {}  # JSON, like {"urgent": 2}; else SLA's own
    sla_at_risk: float = Field(default=0.8, gt=0, le=1)  # of a target's time that is spent
    complaint_categories: tuple[str, ...] = tuple(sorted(Rules().complaint_categories))  # of tickets
    complaints: int = Field(default=5, ge=2)  # so many of one product are a burst
    complaints_minutes: float = Field(default=10, gt=0)  # within so long
    quarantine_days: int = Field(default=30, gt=0)  # so long a partner's refused event is held
    wind_down_days: int = Field(default=30, ge=0)  # so long an ended feed's tombstones wait
    cors_origins: tuple[str, ...] = ()  # JSON, like ["https://crm.example"]
    webhook_networks: tuple[IPvAnyNetwork, ...] = ()  # JSON, like ["10.1.0.0/16"]: also there may endpoints stand
    webhook_plain: bool = False  # http:// too
    webhook_ca_file: Path | None = None  # whose certificates are trusted beside the system's

    @property
    def rules(self) -> Rules:
        """The live windows'."""
        return Rules(
            targets=TARGETS | {priority: timedelta(hours=hours) for priority, hours in self.sla_hours.items()},
            at_risk_from=self.sla_at_risk,
            complaint_categories=frozenset(name.casefold() for name in self.complaint_categories),
            complaints=self.complaints,
            complaints_within=timedelta(minutes=self.complaints_minutes),
            kept=timedelta(days=self.live_days),
        )

    @property
    def key_file(self) -> Path:
        return self.master_key_file or self.home / "secrets" / "master.key"

    @property
    def tombstones(self) -> Path:
        """Beside the master key by default: outside the data directories, and with a backup of its own."""
        return self.tombstones_file or self.key_file.with_name("erased")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
