"""The allow-list of every way out: which role sees what, and whose sealed values are opened to it."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol, cast

from domain.access.facts import Held, Role, Rows
from domain.cache import Cache
from domain.errors import RelatoError
from domain.personal import ERASED, TOKEN_PATTERN, Erased, KeyId, Purpose, Sealed
from domain.ports import Vault

PLAIN = frozenset({type(None), str, int, bool})  # hold no other values; asking is dear where there are many
PLAIN_64 = bytes.maketrans(b"-_", b"+/")
MOST_CONTENTS = 8  # texts of 16 MiB that are open at once
REMEMBERED = 50_000  # purposes of keys; they never change


class NotAllowedError(RelatoError):
    """This role may not do that; take another, if it is yours (on the command line with --role)."""


class Withheld:
    """What a sealed value opens to for a role that its purpose is not meant for."""

    def __repr__(self) -> str:
        return "WITHHELD"


WITHHELD = Withheld()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a role may have.

    `services` whose read models it sees; `opens` the purposes of the sealed values that it reads in clear;
    `history`: one customer's facts over all aggregates; `ledger`: all of the ledger, and proofs of it; `commands`: may
    change something; `operates`: runs the installation; `feeds`: partners' feeds; `sends`: events, as a partner. `rows`
    that it sees: all, or those where one of the columns `whose` is its principal or of its principal's team, and no
    read model that has none of them.
    """

    services: frozenset[str]
    opens: frozenset[Purpose] = frozenset()
    history: bool = False
    ledger: bool = False
    commands: bool = False
    operates: bool = False
    feeds: bool = False
    sends: bool = False
    rows: Rows = Rows.ALL
    whose: tuple[str, ...] = ("seller_id", "agent_id", "employee_id")


DEPARTMENTS = frozenset({"sales", "marketing", "support"})
EVERYWHERE = DEPARTMENTS | {"partners", "audit"}
DEALING = frozenset({Purpose.SERVICE, Purpose.BILLING})
COLLEAGUES = frozenset({Purpose.EMPLOYMENT})
ALL_PURPOSES = frozenset(Purpose)

GRANTS: Mapping[Role, Grant] = {
    # a department works with its customers, and knows its colleagues by name
    Role.SALES: Grant(services=frozenset({"sales"}), opens=DEALING | COLLEAGUES, history=True, commands=True),
    Role.SUPPORT: Grant(services=frozenset({"support"}), opens=DEALING | COLLEAGUES, history=True, commands=True),
    Role.MARKETING: Grant(
        services=frozenset({"marketing"}),
        opens=frozenset({Purpose.SERVICE, Purpose.MARKETING}),
        history=True,
        commands=True,
    ),
    # steers by every department's figures; children's data are no figures
    Role.MANAGEMENT: Grant(
        services=EVERYWHERE, opens=ALL_PURPOSES - {Purpose.MINORS}, history=True, ledger=True, commands=True
    ),
    # proves what happened and changes nothing; opinions, colleagues and children are not what is audited
    Role.AUDITOR: Grant(services=EVERYWHERE, opens=DEALING, history=True, ledger=True),
    Role.ADMINISTRATOR: Grant(
        services=EVERYWHERE, opens=ALL_PURPOSES, history=True, ledger=True, commands=True, operates=True, feeds=True
    ),
    # another company: its own rows, and nobody's personal data but in its feeds what its agreements name
    Role.PARTNER: Grant(
        services=frozenset({"partners"}),
        feeds=True,
        sends=True,
        rows=Rows.OWN,
        whose=("supplier_id", "partner_id"),
    ),
}

ACTS: Mapping[str, str] = {
    "history": "read a customer's history",
    "ledger": "read the whole ledger",
    "commands": "change anything",
    "operates": "run the installation",
    "feeds": "read a partner's feed",
    "sends": "send events as a partner",
}


@cache
def grant_of(held: Held) -> Grant:
    """A role's grant, as narrow as its scope; who does not see all rows does not see the ledger, where they all are."""
    grant = GRANTS[held.role]
    rows = min(grant.rows, held.scope, key=list(Rows).index)
    return replace(grant, rows=rows, ledger=grant.ledger and rows is Rows.ALL)


def require(role: Role, act: str, scope: Rows = Rows.ALL) -> None:
    """Raises NotAllowedError unless the role's grant has this act of ACTS."""
    if not getattr(grant_of(Held(role, scope)), act):
        raise NotAllowedError(f"the role {role} may not {ACTS[act]}; take another with --role, if it is yours")


def require_service(role: Role, service: str) -> None:
    if service not in GRANTS[role].services:
        raise NotAllowedError(f"the role {role} does not see what {service} works from; take another with --role")


# what an agreement names is opened for its partner; of children nothing leaves the company
IN_FEEDS = Grant(services=frozenset(), opens=ALL_PURPOSES - {Purpose.MINORS})

# who may do what, and where we send what, is the operators' to say
OF_COMMANDS: Mapping[str, str] = {"access": "operates", "endpoint": "operates"}


def act_of(command: str) -> str:
    """The act of ACTS that a command is, by its name."""
    return OF_COMMANDS.get(command.partition(".")[0], "commands")


@cache
def allowed(roles: frozenset[Held], act: str) -> Grant:
    """What those of the roles that have this act may have together; NotAllowedError when none has it."""
    if not (having := [grant for held in roles if getattr(grant := grant_of(held), act)]):
        raise NotAllowedError(f"{_named(roles)} may not {ACTS[act]}")
    return _together(having)


@cache
def seen(roles: frozenset[Held], service: str) -> Grant:
    """What those of the roles that see a service's read models may have together; NotAllowedError when none does."""
    if not (seeing := [grant for held in roles if service in (grant := grant_of(held)).services]):
        raise NotAllowedError(f"{_named(roles)} does not see what {service} works from")
    return _together(seeing)


def _named(roles: Collection[Held]) -> str:
    return f"the role {' or '.join(sorted(held.role for held in roles))}" if roles else "who has no role"


def _together(grants: Sequence[Grant]) -> Grant:
    """The widest scope of them holds: one role that sees all rows is enough to see them."""
    return Grant(
        services=frozenset().union(*(grant.services for grant in grants)),
        opens=frozenset().union(*(grant.opens for grant in grants)),
        **{act: any(getattr(grant, act) for grant in grants) for act in ACTS},
        rows=max((grant.rows for grant in grants), key=list(Rows).index),
        whose=tuple(dict.fromkeys(name for grant in grants for name in grant.whose)),
    )


class Purposes(Protocol):
    """Knows for which purpose a key seals. Raises UnavailableError."""

    def purposes(self, key_ids: Sequence[KeyId]) -> Mapping[KeyId, str]: ...


@dataclass(frozen=True)
class Disclosure:
    """Opens sealed values for one role, wherever they stand in what is shown.

    `on_opened` is told under which keys, before the values are answered.
    """

    vault: Vault
    keys: Purposes
    grant: Grant
    _known: Cache[KeyId, str] = field(default_factory=lambda: Cache(REMEMBERED))
    on_opened: Callable[[Collection[KeyId]], None] | None = None

    def open(self, values: Sequence[Sealed]) -> Sequence[Any | Erased | Withheld]:
        """In the order given; WITHHELD where the role has no business with the purpose."""
        ids = [key_id_of(value) for value in values]
        told = self._open(values, self._allowed(ids))
        if self.on_opened:
            pairs = zip(ids, told, strict=True)
            if keys := {key_id for key_id, clear in pairs if clear is not WITHHELD and clear is not ERASED}:
                self.on_opened(keys)
        return told

    def _open(self, values: Sequence[Sealed], allowed: Sequence[bool]) -> Sequence[Any | Erased | Withheld]:
        if all(allowed):
            return self.vault.open(values)
        opened = iter(self.vault.open([value for value, may in zip(values, allowed, strict=True) if may]))
        return [next(opened) if may else WITHHELD for may in allowed]

    def open_within(self, things: Sequence[Any]) -> list[Any]:
        """The things with every Sealed in them opened, at any depth of mappings, lists and tuples."""
        return self._open_those(things, _tokens_in(things))

    def open_each(self, things: Sequence[Any]) -> Iterator[Any]:
        """As `open_within`, but as they are taken: of long texts, which may have 16 MiB each, few are open at once."""
        tokens = _tokens_in(things)
        if len(things) > 1 and sum(token.startswith("c1.") for token in tokens) > MOST_CONTENTS:
            middle = len(things) // 2
            yield from self.open_each(things[:middle])
            yield from self.open_each(things[middle:])
        else:
            yield from self._open_those(things, tokens)

    def _open_those(self, things: Sequence[Any], tokens: Sequence[Sealed]) -> list[Any]:
        if not tokens:
            return list(things)
        opened = dict(zip(tokens, self.open(tokens), strict=True))
        return [_replaced(thing, opened) for thing in things]

    def _allowed(self, ids: Sequence[KeyId]) -> Sequence[bool]:
        if self.grant.opens == ALL_PURPOSES:
            return [True] * len(ids)
        purposes, unknown = self._known.find(dict.fromkeys(ids))
        if unknown:
            asked = self.keys.purposes(unknown)
            self._known.keep(asked)
            purposes |= asked
        # a key that is not there at all is left to the vault, which says so
        return [key_id not in purposes or purposes[key_id] in self.grant.opens for key_id in ids]


def key_id_of(value: Sealed) -> KeyId:
    """The id of the key that a value is sealed under, with which it begins."""
    return binascii.a2b_base64(value[3:27].encode().translate(PLAIN_64))[:16]


def _tokens_in(things: Sequence[Any]) -> Sequence[Sealed]:
    """Every token in them, once."""
    tokens: dict[Sealed, None] = {}
    _gather(things, tokens)
    return list(tokens)


def _gather(thing: Any, found: dict[Sealed, None]) -> None:
    if isinstance(thing, Sealed):
        found[thing] = None
    elif isinstance(thing, list | tuple):
        for part in cast("Sequence[Any]", thing):
            _gather(part, found)
    elif type(thing) not in PLAIN and isinstance(thing, Mapping):
        for part in thing.values():
            _gather(part, found)


def _replaced(thing: Any, opened: Mapping[Sealed, Any]) -> Any:
    if isinstance(thing, Sealed):
        return opened[thing]
    if type(thing) in PLAIN:
        return thing
    if isinstance(thing, Mapping):
        return {name: _replaced(part, opened) for name, part in thing.items()}
    if isinstance(thing, list | tuple):
        return [_replaced(part, opened) for part in cast("Sequence[Any]", thing)]
    return thing


_TOKEN = re.compile(TOKEN_PATTERN)


def as_sealed(thing: Any) -> Any:
    """A value of a column that is declared sealed, with every token in it marked as what it is."""
    if isinstance(thing, str):
        return Sealed(thing) if _TOKEN.fullmatch(thing) else thing
    if isinstance(thing, Mapping):
        return {name: as_sealed(part) for name, part in thing.items()}
    if isinstance(thing, list | tuple):
        return [as_sealed(part) for part in cast("Sequence[Any]", thing)]
    return thing


def concealed(thing: Any) -> tuple[Any, list[str], list[str]]:
    """The thing with null where a value is erased or withheld, and the paths of the erased and of the withheld."""
    erased: list[str] = []
    withheld: list[str] = []
    return _concealed(thing, "", erased, withheld), erased, withheld


def _concealed(thing: Any, path: str, erased: list[str], withheld: list[str]) -> Any:
    if thing is ERASED or thing is WITHHELD:
        (erased if thing is ERASED else withheld).append(path)
        return None
    if isinstance(thing, Mapping):
        parts = thing.items()
        return {name: _concealed(part, f"{path}.{name}".lstrip("."), erased, withheld) for name, part in parts}
    if isinstance(thing, list | tuple):
        numbered = enumerate(cast("Sequence[Any]", thing))
        return [_concealed(part, f"{path}.{n}".lstrip("."), erased, withheld) for n, part in numbered]
    return thing
