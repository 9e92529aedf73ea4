"""Where webhooks may be sent: what an address may look like, and which machines it may lead to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from domain.endpoint.commands import AddEndpoint, MoveEndpoint
from domain.errors import InvalidError
from domain.execute import Checks

Ip = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PLAIN_PORT, TLS_PORT, FIRST_FREE_PORT, LAST_PORT = 80, 443, 1024, 65_535
GLOBAL_IPV6 = ip_network("2000::/3")  # nothing else is given out; mapped, translated and local ones lie outside
# within what is global: ways to an IPv4 address that would not be looked at, and what is no machine
TUNNELS = tuple(map(ip_network, ("2001::/23", "2002::/16", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24")))
HOST = re.compile(r"[a-z0-9_.-]{1,253}|\[[0-9a-f:.]+\]", re.IGNORECASE)


class AddressError(InvalidError):
    """Webhooks are not sent to such an address."""


class Place(NamedTuple):
    """An address in its parts; what stands behind the host is `path`."""

    is_tls: bool
    host: str
    port: int
    path: str


@dataclass(frozen=True)
class Reach:
    """`networks` are ours where partners' endpoints may stand nevertheless; `plain`: also without TLS."""

    networks: Sequence[Network] = ()
    plain: bool = False

    def place_of(self, url: str) -> Place:
        """Raises AddressError; of a name only the resolver knows more."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise AddressError("the address has no port that is one; write https://partner.example/hooks") from error
        if parts.scheme != "https" and not (self.plain and parts.scheme == "http"):
            raise AddressError("the address must begin with https://, so that nobody reads on the way")
        if "@" in parts.netloc:
            raise AddressError("the address names a user; leave it out, messages are signed")
        host = parts.hostname or ""
        if "\\" in url or not HOST.fullmatch(f"[{host}]" if ":" in host else host):
            raise AddressError("the address has no host that is one; write a name in ASCII, like partner.example")
        is_tls = parts.scheme == "https"
        port = port if port is not None else TLS_PORT if is_tls else PLAIN_PORT
        if port not in (PLAIN_PORT, TLS_PORT) and not FIRST_FREE_PORT <= port <= LAST_PORT:
            raise AddressError("the address names a port of another service; take 443, or one from 1024 on", port=port)
        self._check_number(host)
        return Place(is_tls, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))

    def _check_number(self, host: str) -> None:
        try:
            address = ip_address(host)
        except ValueError:
            return
        if not self.allows(address):
            raise AddressError("the address leads to no machine on the internet; a network of yours"
                               " is allowed with RELATO_WEBHOOK_NETWORKS", host=host)  # fmt: skip

    def allows(self, address: Ip) -> bool:
        if any(address in network for network in self.networks):
            return True
        if any(address in tunnel for tunnel in TUNNELS) or address.is_multicast or not address.is_global:
            return False
        return isinstance(address, IPv4Address) or address in GLOBAL_IPV6


def endpoint_checks(reach: Reach) -> Checks:
    """What an Executor asks before an endpoint is decided about."""

    def check(command: AddEndpoint | MoveEndpoint) -> None:
        reach.place_of(command.url)

    return {AddEndpoint: check, MoveEndpoint: check}
