"""The takes that one press of a button made, for the visitor to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from musiclstm.generation import Composition, Take
from musiclstm.sentence import Sentence, sentence


@dataclass(frozen=True)
class Shown:
    """One take of a composition, with a ``label`` that sets it apart from the other takes of the result.

    ``locked``: bars that stay as they are until the visitor unlocks them, counted from 1 in opening and continuation together.
    """

    composition: Composition
    take: Take
    label: str | Sentence
    locked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Result:
    """All takes of one press of a button, with the best or the tamest first. ``chosen`` is the index of the one on show,
    ``preferred`` of the one that the visitor prefers, if they said so.
    """

    takes: tuple[Shown, ...]
    chosen: int = 0
    preferred: int | None = None

    @property
    def shown(self) -> Shown:
        """The chosen take."""
        return self.takes[self.chosen]

    def with_take(self, number: int | None) -> Result:
        """The result with take ``number`` on show; as it is if there is none."""
        matches = (index for index, shown in enumerate(self.takes) if shown.take.number == number)
        return replace(self, chosen=next(matches, self.chosen))

    def with_locked(self, bars: frozenset[int]) -> Result:
        """The result with the same ``bars`` locked in all takes."""
        return replace(self, takes=tuple(replace(shown, locked=bars) for shown in self.takes))


def result_of(compositions: Sequence[Composition]) -> Result:
    """The result for finished compositions.

    One composition: all its takes, best first. Several: the first take of each. Those of different diversities are labelled with
    them, and the middle one is chosen.
    """
    if len(compositions) > 1:
        diversities = [each.request.sampling.diversity for each in compositions]
        ladder = len(set(diversities)) > 1
        names = [
            sentence("diversity {diversity:g}", diversity=each) if ladder else str(place)
            for place, each in enumerate(diversities, start=1)
        ]
        takes = tuple(Shown(each, each.takes[0], name) for each, name in zip(compositions, names, strict=True))
        return Result(takes, len(takes) // 2 if ladder else 0)
    (only,) = compositions
    ranked = only.takes[0].score is not None and len(only.takes) > 1
    labels = [
        sentence("{place} (best)", place=place) if ranked and place == 1 else str(place)
        for place in range(1, len(only.takes) + 1)
    ]
    return Result(tuple(Shown(only, take, label) for take, label in zip(only.takes, labels, strict=True)))
