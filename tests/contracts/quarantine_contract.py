"""What every quarantine must do; the same suite runs over one in memory and over PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from adapters.ids import uuid7
from streams.inbound.quarantine import Quarantine, Refused, State, Taken
from tests.given import seal

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGREEMENT, PARTNER = UUID(int=1), UUID(int=2)


def refused(**more: Any) -> Refused:
    given: dict[str, Any] = {
        "id": uuid7(),
        "agreement_id": AGREEMENT,
        "partner_id": PARTNER,
        "type": "partner.lead.v1",
        "code": "unknown",
        "reason": "nothing is known",
        "received_at": AT,
        "fingerprint": b"print",
        "owner": uuid7(),
        "name": seal({"id": "1"}),
        "event": seal({"data": {}}),
    }
    return Refused(**(given | more))


class QuarantineContract:
    """Subclasses give a `quarantine` fixture."""

    def test_what_was_taken_is_known_as_it_was_taken_first(self, quarantine: Quarantine) -> None:
        event_id, taken = uuid7(), Taken(b"print", "3.1")
        assert quarantine.taken(event_id) is None
        for token in ("3.1", "3.2"):
            quarantine.take(event_id, AGREEMENT, Taken(b"print", token), uuid7(), "them")
        assert quarantine.taken(event_id) == taken

    def test_what_is_held_is_found_as_it_was_given(self, quarantine: Quarantine) -> None:
        given = refused(type=None)
        quarantine.hold(given)
        held = quarantine.find(given.id)
        assert held is not None
        assert {name: getattr(held, name) for name in given._fields} == given._asdict()
        assert (held.state, held.attempts, held.mended_by, held.decided_by) == (State.HELD, 1, None, None)
        assert quarantine.owner_of(given.id) == given.owner
        assert (quarantine.find(uuid7()), quarantine.owner_of(uuid7())) == (None, None)

    def test_what_comes_again_is_counted_and_what_was_mended_stays(self, quarantine: Quarantine) -> None:
        given = refused()
        quarantine.hold(given)
        mended = seal({"data": {"right": True}})
        assert quarantine.mend(given.id, mended, "carla")
        quarantine.hold(given._replace(code="conflict", reason="again", owner=uuid7(), event=seal({})))
        held = quarantine.find(given.id)
        assert held is not None
        assert (held.attempts, held.code, held.reason, held.event) == (2, "conflict", "again", mended)
        assert (held.mended_by, held.owner) == ("carla", given.owner)

    def test_what_is_settled_is_held_no_more_until_it_comes_again(self, quarantine: Quarantine) -> None:
        given = refused()
        quarantine.hold(given)
        assert quarantine.settle(given.id, State.DISCARDED, "carla")
        assert not quarantine.settle(given.id, State.ACCEPTED, "dora")
        assert not quarantine.mend(given.id, seal({}), "dora")
        settled = quarantine.find(given.id)
        assert settled is not None
        assert (settled.state, settled.event, settled.decided_by) == (State.DISCARDED, None, "carla")
        quarantine.hold(again := given._replace(owner=uuid7()))
        held = quarantine.find(given.id)
        assert held is not None
        assert (held.state, held.event, held.owner, held.attempts) == (State.HELD, given.event, again.owner, 2)

    def test_what_is_taken_is_settled_by_it(self, quarantine: Quarantine) -> None:
        given = refused()
        quarantine.hold(given)
        quarantine.take(uuid7(), AGREEMENT, Taken(b"print", ""), given.id, "them")
        held = quarantine.find(given.id)
        assert held is not None
        assert (held.state, held.event, held.decided_by) == (State.ACCEPTED, None, "them")

    def test_they_are_read_in_their_order_by_agreement_and_state(self, quarantine: Quarantine) -> None:
        given = [refused(agreement_id=agreement) for agreement in (AGREEMENT, AGREEMENT, UUID(int=9))]
        for one in given:
            quarantine.hold(one)
        quarantine.settle(given[0].id, State.DISCARDED, "carla")
        first, *_ = everything = quarantine.read(limit=10)
        assert [one.id for one in everything] == [one.id for one in given]
        assert [one.id for one in quarantine.read(AGREEMENT, limit=10)] == [one.id for one in given[:2]]
        assert [one.id for one in quarantine.read(AGREEMENT, State.HELD, limit=10)] == [given[1].id]
        assert [one.id for one in quarantine.read(after=first.seq, limit=1)] == [given[1].id]

    def test_what_is_old_is_told_with_its_owner_and_forgotten(self, quarantine: Quarantine) -> None:
        old, new = refused(), refused(received_at=AT + timedelta(days=2))
        for one in (old, new):
            quarantine.hold(one)
        assert list(quarantine.old(AT + timedelta(days=1), 10)) == [(old.id, old.owner)]
        quarantine.forget([old.id])
        assert [one.id for one in quarantine.read(limit=10)] == [new.id]
