"""Nobody takes all the room there is, and what was given back can be taken again."""

from __future__ import annotations

import pytest

from adapters.http.errors import CrowdingError, OverloadedError
from adapters.http.room import Room


def test_who_has_their_share_is_refused_while_others_still_find_room() -> None:
    room = Room(3, 2)
    with room.taken_by("a partner"), room.taken_by("a partner"):
        with pytest.raises(CrowdingError), room.taken_by("a partner"):
            pass
        with room.taken_by("sales"):
            assert room.is_full
            with pytest.raises(OverloadedError), room.taken_by("support"):
                pass


def test_room_is_given_back_however_what_took_it_ends() -> None:
    room = Room(1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), room.taken_by("sales"):
            raise ZeroDivisionError
    assert room.taken == 0
