"""An OIDC issuer's public keys: discovered, fetched when they are needed, and kept for a while."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import jwt

from adapters.http.errors import IssuerAwayError
from adapters.http.issuer_address import check_address

FRESH_S = 300.0  # then they are fetched again
STALE_S = 3_600.0  # so long they are believed while the issuer is away
COOLDOWN_S = 10.0  # between two fetches, whatever keys are asked for
PATIENCE_S = 5.0
LARGEST_BYTES = 1 << 20
DISCOVERY = "/.well-known/openid-configuration"
FAMILIES: Mapping[str, str] = {"RSA": "RS256", "EC": "ES256"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """What the issuer's address answers is believed, and nothing else."""


class IssuerKeys:
    """By their id. Safe from many threads; one of them fetches, and the others do not wait for it."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer, self._clock = issuer, clock
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._fetching = Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")

    def find(self, kid: str) -> jwt.PyJWK | None:
        """None for a key that the issuer does not have. Raises IssuerAwayError where that cannot be known."""
        now = self._clock()
        is_due = kid not in self._keys or now - self._fetched_at > FRESH_S
        if is_due and now - self._tried_at > COOLDOWN_S:
            self._fetch_alone(now)
        if now - self._fetched_at > STALE_S:
            raise IssuerAwayError
        return self._keys.get(kid)

    def _fetch_alone(self, now: float) -> None:
        if not self._fetching.acquire(blocking=False):
            if self._clock() - self._fetched_at > FRESH_S:
                return
            raise IssuerAwayError  # another fetches; whether the key is among them is known in a moment
        try:
            self._tried_at = now
            self._keys = self._fetch()
            self._fetched_at = now
        except (OSError, ValueError, KeyError, TypeError, AttributeError, http.client.HTTPException):
            pass  # what is known is believed for a while still
        finally:
            self._fetching.release()

    def _fetch(self) -> Mapping[str, jwt.PyJWK]:
        told = self._read(self._issuer.rstrip("/") + DISCOVERY)
        if told["issuer"] != self._issuer:
            raise ValueError("another issuer")
        keys = self._read(told["jwks_uri"])["keys"]
        return {key["kid"]: jwt.PyJWK(key, FAMILIES[key["kty"]]) for key in keys if "kid" in key and is_usable(key)}

    def _read(self, url: str) -> Any:
        check_address(url)
        with self._opener.open(url, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read(LARGEST_BYTES))


def is_usable(key: Mapping[str, Any]) -> bool:
    """Whether it is for signatures that we know; symmetric keys and those for encryption are not."""
    family = key.get("kty")
    is_known = family in FAMILIES and (family != "EC" or key.get("crv") == "P-256")
    return (
        is_known and key.get("use", "sig") == "sig" and key.get("alg", FAMILIES[str(family)]) == FAMILIES[str(family)]
    )
