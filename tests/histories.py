"""Random histories: how each registered command may look when numbers choose among a small cast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from domain.attachment.commands import AttachToCustomer
from domain.attachment.facts import AttachmentId
from domain.customer.facts import CustomerId
from tests.company import BEGIN, line, numbered

Fields = dict[str, Any]
Choice = tuple[str, int, int, int]

STAGES = ("prospecting", "engaging", "proposal", "negotiation")
DIRECTIONS = ("inbound", "outbound", "internal")
AMOUNTS = ("1.00 EUR", "20.00 EUR", "3.00 USD", None)
KINDS = ("sale", "sale", "return", "adjustment")
ROLES = ("sales", "auditor")
WORDS = ("red", "green", "blue")


@dataclass(frozen=True)
class Cast:
    """The ids of one example, few of each kind, so that commands meet."""

    example: int

    def _id(self, kind: int, number: int) -> UUID:
        return numbered(kind, self.example * 1000 + number)

    def customer(self, n: int) -> UUID:
        return self._id(1, n % 4)

    def whose(self, n: int) -> UUID | None:
        """One in five is anonymous."""
        return None if n % 5 == 4 else self.customer(n)

    def agent(self, n: int) -> UUID:
        return self._id(2, n % 2)

    def deal(self, n: int) -> UUID:
        return self._id(3, n % 3)

    def order(self, n: int) -> UUID:
        return self._id(4, n % 5)

    def contract(self, n: int) -> UUID:
        return self._id(5, n % 3)

    def product(self, n: int) -> UUID:
        return self._id(6, n % 3)

    def person(self, n: int) -> UUID:
        return self._id(7, n % 2)

    def interaction(self, n: int) -> UUID:
        return self._id(8, n % 3)

    def ticket(self, n: int) -> UUID:
        return self._id(9, n % 3)

    def partner(self, n: int) -> UUID:
        return self._id(10, n % 2)

    def team(self, n: int) -> UUID:
        return self._id(11, n % 2)

    def field(self, n: int) -> UUID:
        return self._id(12, n % 2)

    def territory(self, n: int) -> UUID:
        return self._id(14, n % 2)

    def agreement(self, n: int) -> UUID:
        return self._id(15, n % 2)

    def file(self, n: int) -> UUID:
        return self._id(16, n % 2)

    def access(self, n: int) -> UUID:
        return self._id(13, n % 2)

    def endpoint(self, n: int) -> UUID:
        return self._id(18, n % 2)


def _lines(t: Cast, n: int) -> list[dict[str, object]]:
    return [line(t.product(n + i), 100 * (n - 3) + i, n - 2) for i in range(1 + n % 3)]


def _hash(n: int) -> str:
    return f"{n % 3:064x}"


def _consent(t: Cast, a: int, b: int, c: int) -> Fields:
    return {
        "customer_id": t.customer(a),
        "person_id": t.person(a + b) if b % 3 == 0 else None,
        "channel": ("email", "telephone")[b % 2],
        "purpose": ("marketing", "service")[c % 2],
        "evidence": WORDS[c % 3],
    }


# what is shown, in the scopes that it may be shown in
SHOWS = (
    {"type": "crm.order.placed.v1", "fields": ["number", "currency", "lines.product_id", "lines.quantity"]},
    {"type": "crm.order.amended.v1", "fields": ["lines"]},
    {"type": "crm.order.shipped.v1", "fields": ["shipment", "lines"]},
    {"type": "crm.order.shipment_delivered.v1", "fields": ["shipment"]},
    {"type": "crm.ticket.opened.v1", "fields": ["category", "product_id", "summary"]},
    {"type": "crm.opportunity.opened.v1", "fields": ["stage", "amount"], "masks": {"amount": "first_digit"}},
    {"type": "crm.customer.registered.v1", "fields": ["name", "country"], "masks": {"name": "first_letter"}},
    {"type": "crm.customer.contact_added.v1", "fields": ["name", "person_id"]},
)
SCOPES = ("all", "supplier", "territory", "customers")
ROW_FILTERS = (None, None, None, "!has(fact.kind) || fact.kind == 'sale'", "!has(fact.lines) || size(fact.lines) > 1")


def _terms(t: Cast, a: int, b: int, c: int) -> Fields:
    scope = SCOPES[b % 4]
    shows = SHOWS[:6] if scope == "supplier" else SHOWS
    return {
        "purpose": WORDS[a % 3],
        "scope": scope,
        "shows": [shows[(a + n) % len(shows)] for n in range(2 + c % 3)],
        "customers": [t.customer(c)] if scope == "customers" else [],
        "row_filter": ROW_FILTERS[(a + c) % 5],
        "consent": {"channel": "email", "purpose": "marketing"} if c % 4 == 3 else None,
        "valid_from": f"{_day(0)}T00:00:00Z" if a % 2 else None,
        "imported": b % 2 == 0,
    }


def _day(n: int) -> str:
    return str((BEGIN + timedelta(days=100 * n)).date())


# What is told first of each example, so that the rest has somebody to be about.
BEGINNINGS: dict[str, Callable[[Cast, int], Fields]] = {
    "team.form": lambda t, n: {"team_id": t.team(n), "name": WORDS[n % 3]},
    "employee.hire": lambda t, n: {"employee_id": t.agent(n), "name": f"agent {n}"},
    "territory.form": lambda t, n: {"territory_id": t.territory(n), "name": WORDS[n % 3], "countries": [WORDS[n % 3]]},
    "partner.register": lambda t, n: {"partner_id": t.partner(n), "name": WORDS[n % 3], "kind": "supplier"},
    "product.register": lambda t, n: {"product_id": t.product(n), "name": WORDS[n % 3], "supplier_id": t.partner(n)},
    "field.define": lambda t, n: {
        "field_id": t.field(n),
        "name": WORDS[n % 3],
        "entity": "customer",
        "type": "text",
        "clear": n % 2 == 0,
    },
    "customer.register": lambda t, n: {"customer_id": t.customer(n), "name": f"customer {n}", "source": WORDS[n % 2]},
}

COMMANDS: dict[str, Callable[[Cast, int, int, int], Fields]] = {
    "customer.amend": lambda t, a, b, c: {"customer_id": t.customer(a), "name": f"name {b}", "country": WORDS[c % 3]},
    "customer.change_stage": lambda t, a, b, _: {
        "customer_id": t.customer(a),
        "stage": ("prospect", "customer", "lapsed")[b % 3],
    },
    "customer.add_contact": lambda t, a, b, c: {
        "customer_id": t.customer(a),
        "person_id": t.person(a + b),
        "name": f"person {c}",
        "minor": c % 2 == 0,
    },
    "customer.remove_contact": lambda t, a, b, _: {"customer_id": t.customer(a), "person_id": t.person(a + b)},
    "customer.add_contact_point": lambda t, a, b, _: {
        "customer_id": t.customer(a),
        "channel": "email",
        "value": f"{b}@a.pt",
    },
    "customer.remove_contact_point": lambda t, a, b, _: {
        "customer_id": t.customer(a),
        "channel": "email",
        "value": f"{b}@a.pt",
    },
    "customer.note_need": lambda t, a, b, _: {"customer_id": t.customer(a), "need": WORDS[b % 3]},
    "customer.give_consent": lambda t, a, b, c: {
        **_consent(t, a, b, c),
        "valid_from": f"{_day(b)}T00:00:00Z" if c % 2 else None,
        "valid_until": f"{_day(c)}T00:00:00Z" if b % 2 else None,
    },
    "customer.withdraw_consent": _consent,
    "customer.set_field": lambda t, a, b, c: {
        "customer_id": t.customer(a),
        "field_id": t.field(b),
        **({"clear": WORDS[c % 3]} if b % 2 == 0 else {"value": c}),
    },
    "customer.merge": lambda t, a, b, _: {"customer_id": t.customer(a), "into_id": t.customer(b)},
    "customer.unmerge": lambda t, a, b, _: {"customer_id": t.customer(a), "from_id": t.customer(b)},
    "customer.erase": lambda t, a, b, c: {
        "customer_id": t.customer(a),
        "person_id": t.person(a + b) if c % 3 else None,
    },
    "interaction.log": lambda t, a, b, c: {
        "interaction_id": t.interaction(a),
        "customer_id": t.customer(b),
        "channel": "email",
        "direction": DIRECTIONS[c % 3],
    },
    "interaction.take_note": lambda t, a, b, c: {
        "interaction_id": t.interaction(a),
        "customer_id": t.customer(b),
        "kind": "factual",
        "content": f"note {c}",
    },
    "interaction.correct": lambda t, a, b, _: {"interaction_id": t.interaction(a), "topic": WORDS[b % 3]},
    "opportunity.open": lambda t, a, b, c: {
        "opportunity_id": t.deal(a),
        "customer_id": t.whose(b),
        "seller_id": t.agent(c),
        "amount": AMOUNTS[c % 4],
    },
    "opportunity.move": lambda t, a, b, c: {
        "opportunity_id": t.deal(a),
        "stage": STAGES[b % 4],
        "amount": AMOUNTS[c % 4],
    },
    "opportunity.amend": lambda t, a, b, c: {
        "opportunity_id": t.deal(a),
        "seller_id": t.agent(b),
        "amount": AMOUNTS[c % 4],
    },
    "opportunity.win": lambda t, a, b, _: {"opportunity_id": t.deal(a), "amount": AMOUNTS[b % 3]},
    "opportunity.lose": lambda t, a, b, _: {"opportunity_id": t.deal(a), "reason": WORDS[b % 3]},
    "opportunity.reopen": lambda t, a, b, _: {"opportunity_id": t.deal(a), "stage": STAGES[b % 4]},
    "opportunity.identify_customer": lambda t, a, b, _: {"opportunity_id": t.deal(a), "customer_id": t.customer(b)},
    "contract.sign": lambda t, a, b, c: {
        "contract_id": t.contract(a),
        "customer_id": t.customer(b),
        "number": "C",
        "starts_on": _day(0),
        "ends_on": _day(c),
    },
    "contract.amend": lambda t, a, b, c: {
        "contract_id": t.contract(a),
        "ends_on": _day(b),
        "value": AMOUNTS[c % 4],
        "auto_renews": c % 2 == 0,
    },
    "contract.renew": lambda t, a, b, _: {"contract_id": t.contract(a), "ends_on": _day(b)},
    "contract.terminate": lambda t, a, b, _: {"contract_id": t.contract(a), "on": _day(b)},
    "contract.note_competitor": lambda t, a, b, c: {
        "contract_id": t.contract(a),
        "customer_id": t.customer(b),
        "competitor": WORDS[c % 3],
        "ends_on": _day(c),
    },
    "contract.amend_competitor": lambda t, a, b, c: {
        "contract_id": t.contract(a),
        "need": WORDS[b % 3],
        "value": AMOUNTS[c % 4],
    },
    "contract.drop_competitor": lambda t, a, *_: {"contract_id": t.contract(a)},
    "order.place": lambda t, a, b, c: {
        "order_id": t.order(a),
        "customer_id": t.whose(b),
        "number": str(a),
        "kind": KINDS[c % 4],
        "currency": ("EUR", "USD")[b % 2],
        "lines": _lines(t, c),
    },
    "order.amend": lambda t, a, b, c: {
        "order_id": t.order(a),
        "lines": _lines(t, b) if c % 2 else None,
        "note": f"note {c}",
    },
    "order.ship": lambda t, a, b, c: {
        "order_id": t.order(a),
        "shipment": str(b) if b % 2 else None,
        "partner_id": t.partner(c) if c % 2 else None,
        "lines": [{"product_id": t.product(c), "quantity": 1 + b}] if c % 3 else None,
    },
    "order.deliver_shipment": lambda t, a, b, _: {"order_id": t.order(a), "shipment": str(b)},
    "order.fail_shipment": lambda t, a, b, _: {"order_id": t.order(a), "shipment": str(b)},
    "order.return_shipment": lambda t, a, b, _: {"order_id": t.order(a), "shipment": str(b)},
    "order.cancel": lambda t, a, *_: {"order_id": t.order(a)},
    "order.identify_customer": lambda t, a, b, _: {"order_id": t.order(a), "customer_id": t.customer(b)},
    "ticket.open": lambda t, a, b, c: {
        "ticket_id": t.ticket(a),
        "customer_id": t.whose(b),
        "summary": f"summary {c}",
        "category": WORDS[c % 3],
    },
    "ticket.set_severity": lambda t, a, b, _: {"ticket_id": t.ticket(a), "severity": (*WORDS, None)[b % 4]},
    "ticket.assign": lambda t, a, b, _: {"ticket_id": t.ticket(a), "agent_id": t.agent(b)},
    "ticket.start_work": lambda t, a, b, _: {"ticket_id": t.ticket(a), "agent_id": t.agent(b)},
    "ticket.wait": lambda t, a, *_: {"ticket_id": t.ticket(a)},
    "ticket.note": lambda t, a, b, _: {"ticket_id": t.ticket(a), "activity": WORDS[b % 3], "content": f"said {b}"},
    "ticket.resolve": lambda t, a, b, _: {"ticket_id": t.ticket(a), "agent_id": t.agent(b) if b % 3 else None},
    "ticket.reopen": lambda t, a, *_: {"ticket_id": t.ticket(a)},
    "ticket.close": lambda t, a, *_: {"ticket_id": t.ticket(a)},
    "ticket.identify_customer": lambda t, a, b, _: {"ticket_id": t.ticket(a), "customer_id": t.customer(b)},
    "product.amend": lambda t, a, b, c: {
        "product_id": t.product(a),
        "supplier_id": t.partner(b),
        "price": AMOUNTS[c % 4],
    },
    "product.change_price": lambda t, a, b, _: {"product_id": t.product(a), "price": AMOUNTS[b % 3]},
    "product.withdraw": lambda t, a, *_: {"product_id": t.product(a)},
    "product.report_availability": lambda t, a, b, c: {
        "product_id": t.product(a),
        "level": ("in_stock", "low", "out_of_stock", "on_order")[b % 4],
        "partner_id": t.partner(c) if c % 2 else None,
    },
    "territory.amend": lambda t, a, b, _: {"territory_id": t.territory(a), "countries": [WORDS[b % 3], WORDS[0]]},
    "territory.assign_partner": lambda t, a, b, c: {
        "territory_id": t.territory(a),
        "partner_id": t.partner(b),
        "valid_from": f"{_day(b)}T00:00:00Z",
        "valid_until": f"{_day(c)}T00:00:00Z" if c % 2 else None,
    },
    "territory.release_partner": lambda t, a, b, c: {
        "territory_id": t.territory(a),
        "partner_id": t.partner(b),
        "valid_until": f"{_day(c)}T00:00:00Z",
    },
    "territory.close": lambda t, a, b, _: {"territory_id": t.territory(a), "reason": WORDS[b % 3]},
    "agreement.draft": lambda t, a, b, c: {
        "agreement_id": t.agreement(a),
        "partner_id": t.partner(b),
        "terms": _terms(t, a, b, c),
    },
    "agreement.amend": lambda t, a, b, c: {"agreement_id": t.agreement(a), "terms": _terms(t, a, b, c)},
    "agreement.activate": lambda t, a, b, _: {"agreement_id": t.agreement(a), "version": b % 3 or None},
    "agreement.suspend": lambda t, a, *_: {"agreement_id": t.agreement(a)},
    "agreement.resume": lambda t, a, *_: {"agreement_id": t.agreement(a)},
    "agreement.revoke": lambda t, a, b, _: {"agreement_id": t.agreement(a), "reason": WORDS[b % 3]},
    "endpoint.add": lambda t, a, b, c: {
        "endpoint_id": t.endpoint(a),
        "agreement_id": t.agreement(b),
        "url": f"https://partner.example/{c}",
    },
    "endpoint.move": lambda t, a, b, _: {"endpoint_id": t.endpoint(a), "url": f"https://other.example/{b}"},
    "endpoint.disable": lambda t, a, b, _: {"endpoint_id": t.endpoint(a), "reason": WORDS[b % 3]},
    "endpoint.enable": lambda t, a, *_: {"endpoint_id": t.endpoint(a)},
    "endpoint.rotate_secret": lambda t, a, b, _: {
        "endpoint_id": t.endpoint(a),
        "replaced_until": f"{_day(b)}T00:00:00Z",
    },
    "endpoint.remove": lambda t, a, *_: {"endpoint_id": t.endpoint(a)},
    "partner.amend": lambda t, a, b, _: {"partner_id": t.partner(a), "name": WORDS[b % 3]},
    "partner.remove": lambda t, a, *_: {"partner_id": t.partner(a)},
    "employee.amend": lambda t, a, b, c: {"employee_id": t.agent(a), "team_id": t.team(b), "region": WORDS[c % 3]},
    "employee.leave": lambda t, a, *_: {"employee_id": t.agent(a)},
    "employee.erase": lambda t, a, *_: {"employee_id": t.agent(a)},
    "team.amend": lambda t, a, b, _: {"team_id": t.team(a), "name": WORDS[b % 3]},
    "field.amend": lambda t, a, b, _: {"field_id": t.field(a), "name": WORDS[b % 3]},
    "field.retire": lambda t, a, *_: {"field_id": t.field(a)},
    "attachment.remove": lambda t, a, *_: {"attachment_id": t.file(a)},
    "access.admit": lambda t, a, b, _: {"access_id": t.access(a), "acts_as": t.agent(b)},
    "access.grant_role": lambda t, a, b, _: {"access_id": t.access(a), "role": ROLES[b % 2]},
    "access.revoke_role": lambda t, a, b, _: {"access_id": t.access(a), "role": ROLES[b % 2]},
    "access.issue_key": lambda t, a, b, _: {"access_id": t.access(a), "hash": _hash(b)},
    "access.rotate_key": lambda t, a, b, c: {
        "access_id": t.access(a),
        "hash": _hash(b),
        "replaces": _hash(c),
        "replaced_until": f"{_day(c)}T00:00:00Z",
    },
    "access.revoke_key": lambda t, a, b, _: {"access_id": t.access(a), "hash": _hash(b)},
}

_number = st.integers(0, 7)
# the beginnings of streams come more often, and so do merges: without them the rest is refused
_often = [name for name in COMMANDS if name.endswith((".open", ".place", ".sign", ".merge", ".unmerge"))] * 3
choices = st.tuples(st.sampled_from([*COMMANDS, *_often]), _number, _number, _number)


def a_file(t: Cast, n: int) -> AttachToCustomer:
    """Kept with a customer: nobody can ask for it by name, it comes with its bytes."""
    whose = CustomerId(t.customer(n))
    return AttachToCustomer(
        attachment_id=AttachmentId(t.file(n)),
        attached_to=whose,
        subject_id=whose,
        name=f"{WORDS[n % 3]}.txt",
        media_type="text/plain",
        size=1 + n,
        sha256=f"{n:064x}",
        manifest={},
    )
