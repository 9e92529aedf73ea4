"""Bearer tokens of an OIDC issuer, beside API keys: who they name, and which roles their claims come to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import jwt
from starlette.types import Scope

from adapters.http.api_keys import BEARER, REMEMBERED, TERM_S, Known, TeamOf
from adapters.http.errors import UnauthenticatedError
from adapters.http.issuer_keys import IssuerKeys
from adapters.http.principal import Authenticate, Principal
from adapters.http.workers import Workers
from domain.access.facts import Held, Rows
from domain.cache import Cache

ALGORITHMS = ["RS256", "ES256"]
SKEW_S = 30.0  # so much may two clocks differ
LONGEST_TOKEN, LONGEST_SUBJECT = 16_384, 255
API_KEY = b"rel_"


class Trust(NamedTuple):
    """Whose tokens open, and what for.

    `roles` by what stands in the claim `roles_claim`, which may lie deeper (`realm_access.roles`). `acts_as_claim`
    names the employee's or partner's id, whose rows are their own; without it the principal is `oidc:` and the subject.
    """

    issuer: str
    audience: str
    roles: Mapping[str, Held]
    roles_claim: str = "roles"
    acts_as_claim: str = "employee_id"


class Bearers:
    """Implements Authenticate: by what the token looks like, an API key or one of the issuer's."""

    def __init__(self, keys: Authenticate, tokens: Authenticate) -> None:
        self._keys, self._tokens = keys, tokens

    async def __call__(self, scope: Scope) -> Principal:
        token = bearer_of(scope)
        return await (self._keys if not token or token.startswith(API_KEY) else self._tokens)(scope)


class OidcTokens:
    """Implements Authenticate."""

    def __init__(
        self, trust: Trust, keys: IssuerKeys, workers: Workers, clock: Callable[[], datetime], team_of: TeamOf
    ) -> None:
        self._trust, self._keys, self._workers, self._clock, self._team_of = trust, keys, workers, clock, team_of
        self._known: Cache[bytes, Known] = Cache(REMEMBERED)

    async def __call__(self, scope: Scope) -> Principal:
        token = bearer_of(scope)
        if (known := self._known.get(token)) and known.until > time.monotonic():
            return known.principal
        if not 0 < len(token) <= LONGEST_TOKEN:
            raise UnauthenticatedError
        found = await self._workers.run(self._verify, token)
        self._known.put(token, Known(found, time.monotonic() + TERM_S))
        return found

    def _verify(self, token: bytes) -> Principal:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS or not isinstance(kid := header.get("kid"), str):
                raise UnauthenticatedError
            # what has expired by its own words has, whoever signed it, and though the issuer is away
            _check_times(jwt.decode(token, options={"verify_signature": False}), self._clock().timestamp())
            if (key := self._keys.find(kid)) is None:
                raise UnauthenticatedError
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._trust.issuer,
                audience=self._trust.audience,
                # the times are checked against our own clock, below
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            _check_times(claims, self._clock().timestamp())
            return self._principal(claims)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:  # claims may be of any kind
            raise UnauthenticatedError from error

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        trust = self._trust
        roles = frozenset(trust.roles[name] for name in _named(claims, trust.roles_claim) if name in trust.roles)
        named = claims.get(trust.acts_as_claim)
        if named is None:
            return Principal(f"oidc:{_subject(claims)}", roles)
        acts_as = UUID(str(named))
        has_team = any(held.scope is Rows.TEAM for held in roles)
        return Principal(str(acts_as), roles, self._team_of(acts_as) if has_team else ())


def bearer_of(scope: Scope) -> bytes:
    """What stands behind `Bearer` in the header; nothing without."""
    header: bytes = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return header[len(BEARER) :].strip() if header.lower().startswith(BEARER) else b""


def _subject(claims: Mapping[str, Any]) -> str:
    """Raises ValueError for what OpenID Connect does not allow: it stands on every fact."""
    subject = claims["sub"]
    if not (isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isascii()):
        raise ValueError("no subject")
    if not subject.isprintable():
        raise ValueError("no subject that can be written down")
    return subject


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Raises ValueError outside of `nbf` and `exp`, and for what was issued in the future."""
    if now >= float(claims.get("exp", 0)) + SKEW_S:
        raise ValueError("expired")
    if max(float(claims.get("nbf", 0)), float(claims.get("iat", 0))) > now + SKEW_S:
        raise ValueError("not yet")


def _named(claims: Mapping[str, Any], path: str) -> list[str]:
    """The names in a claim that is a list, or a text with spaces between."""
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return found.split()
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
