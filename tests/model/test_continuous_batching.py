"""Many callers share one batch: who comes first, who makes room, and who has gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import pytest
from waiting import wait_until

from musiclstm.errors import StoppedError
from musiclstm.model.continuous_batching import LANES, ContinuousBatch, Turn


@dataclass(eq=False)
class Counter:
    """A lane that is done after ``left`` rounds."""

    name: str
    left: int
    done: bool = False
    version: int = 0


Rounds = list[tuple[str, bool]]


def batch(rounds: Rounds, before: Callable[[], object] = lambda: None, at_once: int = 1) -> ContinuousBatch[Counter]:
    """A batch that notes the names of the lanes of each round, and whether it was crowded."""

    def run(lanes: Sequence[Counter], crowded: bool) -> Callable[[], None]:
        before()
        rounds.append(("".join(lane.name for lane in lanes), crowded))

        def deliver() -> None:
            for lane in lanes:
                lane.left, lane.version = lane.left - 1, lane.version + 1
                lane.done = not lane.left

        return deliver

    return ContinuousBatch(run, at_once=at_once)


def lanes(name: str, count: int, left: int = 1) -> list[Counter]:
    return [Counter(name, left) for _ in range(count)]


def together(batch: ContinuousBatch[Counter], gate: threading.Event, jobs: Sequence[tuple[list[Counter], float]]) -> None:
    """Write each job in a thread of its own; the gate opens once all are waiting behind the first round."""

    def write(lanes: list[Counter], due: float) -> None:
        for _ in batch.write(lanes, Turn(due), bool):
            pass

    def asked(jobs: int) -> bool:
        return batch._asked == jobs

    threads = [threading.Thread(target=write, args=job) for job in jobs]
    for number, thread in enumerate(threads):
        thread.start()
        wait_until(partial(asked, number + 1))
    gate.set()
    for thread in threads:
        thread.join()


def test_lanes_of_several_callers_share_a_round_and_a_finished_one_makes_room() -> None:
    gate, rounds = threading.Event(), Rounds()
    shared = batch(rounds, gate.wait)
    mixed = [*lanes("a", LANES - 1), *lanes("A", 1, left=3)]
    together(shared, gate, [(mixed, 0.0), (lanes("b", LANES), 1.0)])
    assert rounds == [("a" * 7 + "A", False), ("A" + "b" * 7, True), ("Ab", False)]


def test_what_is_due_first_is_written_first_even_if_it_came_later() -> None:
    gate, rounds = threading.Event(), Rounds()
    shared = batch(rounds, gate.wait)
    together(shared, gate, [(lanes("a", LANES, left=2), 9.0), (lanes("b", LANES), 1.0)])
    assert [names for names, _ in rounds] == ["a" * 8, "b" * 8, "a" * 8]


def test_of_two_that_are_due_together_the_earlier_one_is_first() -> None:
    gate, rounds = threading.Event(), Rounds()
    shared = batch(rounds, gate.wait)
    together(shared, gate, [(lanes("x", 1), 0.0), (lanes("a", LANES), 1.0), (lanes("b", LANES), 1.0)])
    assert [names for names, _ in rounds[1:]] == ["a" * 8, "b" * 8]


def test_a_stopped_caller_leaves_and_the_others_go_on() -> None:
    rounds = Rounds()
    shared, mine = batch(rounds), lanes("a", 2, left=9)
    written = shared.write(mine, Turn(stopped=lambda: mine[0].version == 2), bool)
    with pytest.raises(StoppedError):
        list(written)
    assert mine[0].version == 2
    list(shared.write(lanes("b", 1), Turn(), bool))
    assert rounds[-1] == ("b", False)


def test_a_caller_who_waits_for_a_place_is_stopped_too() -> None:
    gate, rounds = threading.Event(), Rounds()
    shared = batch(rounds, gate.wait)
    busy = threading.Thread(target=lambda: list(shared.write(lanes("a", 1), Turn(), bool)))
    busy.start()
    wait_until(lambda: not shared._free)
    with pytest.raises(StoppedError):
        list(shared.write(lanes("b", 1), Turn(stopped=lambda: True), bool))
    gate.set()
    busy.join()
    assert rounds == [("a", False)]


def test_a_caller_who_looks_away_leaves_nothing_behind() -> None:
    rounds = Rounds()
    shared = batch(rounds)
    with closing(shared.write(lanes("a", 1, left=9), Turn(), bool)) as written:
        next(written)
    list(shared.write(lanes("b", 1), Turn(), bool))
    assert [names for names, _ in rounds] == ["a", "b"]


def test_who_wants_the_whole_is_told_once() -> None:
    rounds = Rounds()
    mine = lanes("a", 2, left=9)
    assert list(batch(rounds).write(mine, Turn(), lambda: [lane.version for lane in mine], whole=True)) == [[9, 9]]


def test_an_error_reaches_the_one_who_ran_the_round_and_the_others_go_on() -> None:
    def fail() -> None:
        if len(rounds) == 1:
            rounds.append(("failed", False))
            raise OSError("no memory")

    def write(name: str, due: float) -> str:
        try:
            list(shared.write(lanes(name, 2, left=2), Turn(due), bool))
        except OSError as error:
            return str(error)
        return "done"

    gate, rounds = threading.Event(), Rounds()
    shared = batch(rounds, lambda: fail() if gate.wait() else None)
    with ThreadPoolExecutor() as callers:
        answers = [callers.submit(write, name, due) for name, due in (("a", 2.0), ("b", 0.0), ("c", 1.0))]
        wait_until(lambda: shared._asked == len(answers))
        gate.set()
        assert sorted(answer.result() for answer in answers) == ["done", "done", "no memory"]


def test_an_error_in_delivery_reaches_somebody_and_the_next_round_works() -> None:
    def run(lanes: Sequence[Counter], _: bool) -> Callable[[], None]:
        def deliver() -> None:
            if lanes[0].name == "a":
                raise MemoryError
            lanes[0].done = True

        return deliver

    shared = ContinuousBatch(run, at_once=1)
    with pytest.raises(MemoryError):
        list(shared.write(lanes("a", 1), Turn(), bool))
    assert list(shared.write(lanes("b", 1), Turn(), bool)) == [False]


def test_what_others_wrote_for_a_caller_is_collected_whole_and_once() -> None:
    def count(total: int) -> int:
        mine, collected = [Counter("x", total) for _ in range(3)], [0]

        def collect() -> int:
            fresh = sum(lane.version for lane in mine) - collected[0]
            collected[0] += fresh
            return fresh

        return sum(shared.write(mine, Turn(), collect))

    shared = batch(Rounds(), at_once=4)
    with ThreadPoolExecutor(8) as callers:
        assert list(callers.map(count, range(1, 200))) == [3 * total for total in range(1, 200)]
