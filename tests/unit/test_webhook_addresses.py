"""Webhooks are sent to machines on the internet and to no others, whatever an address looks like."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from uuid import UUID

import pytest

from adapters.webhooks.addresses import AddressError, Place, Reach, endpoint_checks
from adapters.webhooks.network import GuardedNetwork, UnknownHostError, UnreachableError
from domain.agreement.facts import AgreementId
from domain.endpoint.commands import AddEndpoint, MoveEndpoint
from domain.endpoint.facts import EndpointId
from tests.receiving import receiving
from tests.relaying import await_true

REACH = Reach()
LOOPBACK = Reach((ip_network("127.0.0.0/8"),), plain=True)

INSIDE = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.1.2.3", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1"),
    *("2002:7f00:1::1", "2002:808:808::1", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1"),
    *("5f00::1", "4000::1"),
]
OUTSIDE = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4003::1"]

WRONG = [
    ("http://partner.example/hooks", "https"),
    ("ftp://partner.example/", "https"),
    ("https://user@partner.example/", "user"),
    ("https://user:secret@partner.example/", "user"),
    ("https://partner.example@127.0.0.1/", "user"),
    ("https://@partner.example/", "user"),
    ("https:///hooks", "host"),
    ("https://", "host"),
    ("https://partner.example\\@127.0.0.1/", "user"),
    ("https://partner.example\\.other/", "host"),
    ("https://pärtner.example/", "host"),
    ("https://partner.example%00.other/", "host"),
    ("https://[fe80::1%25eth0]/", "host"),
    ("https://[::1/", "port"),
    ("https://partner.example:0/", "port"),
    ("https://partner.example:22/", "port"),
    ("https://partner.example:25/", "port"),
    ("https://partner.example:65536/", "port"),
    ("https://partner.example:port/", "port"),
    *((f"https://{f'[{host}]' if ':' in host else host}/", "no machine on the internet") for host in INSIDE),
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_no_machine_on_the_internet_is_not_sent_to(address: str) -> None:
    assert not REACH.allows(ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_on_the_internet_is(address: str) -> None:
    assert REACH.allows(ip_address(address))


def test_networks_of_ours_are_allowed_one_by_one() -> None:
    reach = Reach((ip_network("10.1.0.0/16"), ip_network("fd12::/16")))
    assert reach.allows(ip_address("10.1.2.3"))
    assert reach.allows(ip_address("fd12::1"))
    for other in ("10.2.0.1", "127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::a01:203"):
        assert not reach.allows(ip_address(other)), other


@pytest.mark.parametrize(("url", "why"), WRONG)
def test_an_address_that_may_not_be_is_refused_before_it_is_kept(url: str, why: str) -> None:
    with pytest.raises(AddressError, match=why):
        REACH.place_of(url)


def test_an_address_in_its_parts() -> None:
    assert REACH.place_of("https://Partner.example/hooks?a=b#c") == Place(True, "partner.example", 443, "/hooks?a=b")
    assert REACH.place_of("https://partner.example") == Place(True, "partner.example", 443, "/")
    assert REACH.place_of("https://partner.example:8443/x") == Place(True, "partner.example", 8443, "/x")
    assert REACH.place_of("https://[2606:2800:220:1::1]/") == Place(True, "2606:2800:220:1::1", 443, "/")
    assert LOOPBACK.place_of("http://127.0.0.1:9000/x") == Place(False, "127.0.0.1", 9000, "/x")


def test_commands_are_checked_without_asking_anybody() -> None:
    checks, there = endpoint_checks(REACH), "https://127.0.0.1/"
    here = EndpointId(UUID(int=1))
    with pytest.raises(AddressError):
        checks[MoveEndpoint](MoveEndpoint(endpoint_id=here, url=there))
    with pytest.raises(AddressError):
        checks[AddEndpoint](AddEndpoint(endpoint_id=here, agreement_id=AgreementId(here), url=there))
    checks[MoveEndpoint](MoveEndpoint(endpoint_id=here, url="https://nobody.invalid/"))


def connect(reach: Reach, port: int, *answers: str) -> None:
    """As to a name that is resolved so."""
    asked: list[str] = []

    def resolve(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return answers

    async def run() -> None:
        network = GuardedNetwork(reach, resolve)
        try:
            stream = await network.connect_tcp("partner.example", port, 1.0)
            await stream.aclose()
        finally:
            network.close()

    try:
        asyncio.run(run())
    finally:
        assert asked == ["partner.example"]  # once: what was looked at is what is connected to


def test_a_name_that_leads_inside_is_not_connected_to() -> None:
    with receiving() as inside:
        for answers in (["127.0.0.1"], ["::ffff:127.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["169.254.169.254"]):
            with pytest.raises(UnreachableError):
                connect(REACH, inside.port, *answers)
    assert inside.connections == 0


def test_of_several_numbers_only_those_that_are_allowed_are_connected_to() -> None:
    with receiving() as ours:
        connect(LOOPBACK, ours.port, "10.0.0.1", "127.0.0.1")
        await_true(lambda: ours.connections == 1)


def test_a_name_that_nobody_knows_is_told_as_that() -> None:
    with pytest.raises(UnknownHostError):
        connect(REACH, 443)
