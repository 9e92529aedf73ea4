"""Settings: from the environment (`RELATO_…`) and the command line; nothing else reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.access.facts import Held, Role, Rows

EMBEDDED = "embedded"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone; write one like Europe/Lisbon") from error
    return name


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
    requests_per_s: float | None = Field(default=None, gt=0)  # of one caller; no limit unless given
    log_requests: bool = True  # one line each, without values
    metrics: Literal["administrators", "loopback"] = "administrators"  # who reads /metrics; loopback: and this machine
    oidc_issuer: str | None = None  # whose tokens open beside API keys, like https://login.example
    oidc_audience: str = "relato"
    oidc_roles: Mapping[str, Annotated[Held, BeforeValidator(_held)]] = {}  # JSON, like {"crm-sales": "sales:team"}
    oidc_roles_claim: str = "roles"  # with dots where it lies deeper
    oidc_acts_as_claim: str = "employee_id"
    cors_origins: tuple[str, ...] = ()  # JSON, like ["https://crm.example"]

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
