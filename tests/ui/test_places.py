"""Who is served first when many ask at once."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from musiclstm.errors import OptionError
from musiclstm.ui.places import PASSED, Place, Places


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def order(places: Places, taken: list[Place]) -> list[int]:
    """The numbers of the places in the order in which they are served."""
    return sorted(range(len(taken)), key=lambda index: places.before(taken[index]))


def test_equal_requests_are_served_in_the_order_in_which_they_came() -> None:
    places = Places(Clock())
    with ExitStack() as stack:
        taken = [stack.enter_context(places.take(name, 16)) for name in "abc"]
        assert [places.before(place) for place in taken] == [0, 1, 2]


def test_a_small_request_passes_a_big_one_but_not_for_ever() -> None:
    clock = Clock()
    places = Places(clock)
    with ExitStack() as stack:
        taken = [stack.enter_context(places.take("big", 512))]
        for name, now in (("soon", 1.0), ("late", PASSED * 512)):
            clock.now = now
            taken.append(stack.enter_context(places.take(name, 16)))
        assert order(places, taken) == [1, 0, 2]


def test_who_asks_again_waits_behind_those_who_asked_once() -> None:
    places = Places(Clock())
    with ExitStack() as stack:
        taken = [stack.enter_context(places.take(name, 16)) for name in ("a", "a", "a", "b")]
        assert order(places, taken) == [0, 3, 1, 2]


def test_a_place_is_free_again_after_an_error() -> None:
    places = Places(Clock(), most=1)
    with pytest.raises(KeyError), places.take("a", 16):
        raise KeyError
    assert places.empty
    with places.take("b", 16) as place:
        assert places.before(place) == 0


def test_when_all_places_are_taken_one_sentence_says_when_to_come_back() -> None:
    places = Places(Clock(), most=2)
    with places.take("a", 60), places.take("b", 60):
        with pytest.raises(OptionError, match=r"2 requests are waiting.* in 20 s\."):
            places.take("c", 16).__enter__()
        assert places.before(Place("c", 16, due=1e9)) == 2


def test_the_time_left_follows_what_is_written_and_how_fast() -> None:
    clock = Clock()
    places = Places(clock)
    with places.take("a", 100) as first, places.take("b", 20) as second:
        assert places.seconds_left(second) == pytest.approx(20 / 6)  # nothing is known yet but a guess; it is due first
        clock.now, first.written, second.written = 10.0, 50.0, 10.0
        assert places.seconds_left(first) == pytest.approx((50 + 10) / ((60 + 60) / (10 + 10)))


def test_what_is_written_for_a_visitor_who_has_gone_is_stopped() -> None:
    places = Places(Clock())
    with places.take("a", 16) as gone, places.take("b", 16) as other:
        turns = [places.turn(place, lambda: False) for place in (gone, other)]
        places.give_up("a")
        assert [turn.stopped() for turn in turns] == [True, False]
        assert places.turn(other, lambda: True).stopped()
