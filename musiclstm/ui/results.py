"""What one press of a button gave: takes to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from musiclstm.generation import Composition, Take


@dataclass(frozen=True)
class Shown:
    """One take among several, and the ``label`` that tells it from the others."""

    composition: Composition
    take: Take
    label: str


@dataclass(frozen=True)
class Result:
    """What one press of a button gave: takes, the best or the tamest first, of which one is ``chosen``."""

    takes: tuple[Shown, ...]
    chosen: int = 0

    @property
    def shown(self) -> Shown:
        """The chosen take."""
        return self.takes[self.chosen]
