"""What visitors of the page voted: guesses which of two continuations is the composer's, and which version they preferred.

A vote is a line of JSON. It names the music and what was chosen, and the day; nothing about who voted. Each running page appends
to a file of its own, so that several can share a folder and a copy on the Hub never replaces what an earlier one collected.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Any, TypeVar

from musiclstm.compiled import user_cache

FOLDER_VARIABLE, REPO_VARIABLE = "MUSICLSTM_VOTES", "MUSICLSTM_VOTES_REPO"
PATTERN = "votes-*.jsonl"
MOST_BYTES = 5_000_000  # of the files in a folder together; later votes are lost
MOST_OF_ONE = 100  # votes of one voter on a day
MOST_VOTERS, VOTER_CHARACTERS = 10_000, 64  # that are told apart on a day
LEAST_GUESSES = 10  # from so many on a share means something
_Z = 1.96  # for intervals of 95 %


@dataclass(frozen=True)
class Guess:
    """A guess which of two continuations is the composer's.

    ``right`` or not; ``chosen``: "A" or "B"; ``heard``: one of them was played under its name before, so it was no blind guess.
    """

    day: str
    seed: str
    random_seed: int
    diversity: float
    bars: int
    checkpoint: str
    chosen: str
    right: bool
    heard: bool


@dataclass(frozen=True)
class Preference:
    """The version that somebody preferred: its ``diversity``, and its ``place`` from 1 ``among`` all, told by diversities."""

    day: str
    seed: str
    random_seed: int
    checkpoint: str
    take: int
    place: int
    diversity: float
    among: tuple[float, ...]


Vote = Guess | Preference
_KINDS: dict[str, type[Guess | Preference]] = {"guess": Guess, "preference": Preference}
Kind = TypeVar("Kind", Guess, Preference)


def votes_folder() -> Path:
    """Where the votes are kept: the folder that MUSICLSTM_VOTES names, else one in the user's cache folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else user_cache() / "votes"


def today() -> str:
    """The day in UTC, as a vote holds it."""
    return datetime.now(UTC).date().isoformat()


def line_of(vote: Vote) -> str:
    """A vote as a line of JSON.

    >>> line_of(Preference("2026-01-31", "march", 1, "0" * 16, 0, 1, 1.05, (0.7, 1.05)))[:43]
    '{"kind": "preference", "day": "2026-01-31",'
    """
    kind = next(name for name, known in _KINDS.items() if isinstance(vote, known))
    return json.dumps({"kind": kind, **asdict(vote)}, ensure_ascii=False) + "\n"


def vote_in(line: str) -> Vote | None:
    """The vote in a line; None if it is damaged, as the last one is when the disk was full."""
    try:
        stored = json.loads(line)
        kind = _KINDS[stored.pop("kind")]
        made = kind(**{**stored, **({"among": tuple(stored["among"])} if kind is Preference else {})})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    sound = all(isinstance(getattr(made, each.name), _TYPES[str(each.type)]) for each in fields(kind))
    return made if sound else None


_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "tuple[float, ...]": tuple,
}


def read_votes(folder: Path) -> dict[str, list[Vote]]:
    """The votes in each file of a folder, by its name; damaged lines are left out. {} if there is no folder. Raises OSError."""
    files = {path.name: path.read_text("utf-8", "replace").splitlines() for path in sorted(folder.glob(PATTERN))}
    return {name: [vote for vote in map(vote_in, lines) if vote is not None] for name, lines in files.items()}


@dataclass
class BallotBox:
    """Collects votes in a file of ``folder``, and knows all that were there before and what it is told of (``learn``).

    Without a folder it only counts. A vote that can't be written is lost, and nothing else: not a sentence, not a second.
    Of one voter MOST_OF_ONE votes a day count; who has voted how often is not written, and forgotten the next day.
    """

    folder: Path | None = None
    most_bytes: int = MOST_BYTES
    _earlier: dict[str, list[Vote]] = field(default_factory=dict)
    _cast: list[Vote] = field(default_factory=list)
    _day: str = ""
    _voters: Counter[str] = field(default_factory=Counter)  # votes of that day
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _name: str = field(default_factory=lambda: PATTERN.replace("*", f"{today()}-{secrets.token_hex(4)}"))

    def __post_init__(self) -> None:
        if self.folder is not None:
            with suppress(OSError):
                self.learn(read_votes(self.folder))

    def learn(self, files: dict[str, list[Vote]]) -> None:
        """Count the votes of other files too; each file counts once, wherever a copy of it is."""
        with self._lock:
            self._earlier |= {name: votes for name, votes in files.items() if name not in {self._name, *self._earlier}}

    def cast(self, vote: Vote, voter: str = "") -> bool:
        """Count a vote, and write it unless the disk is full or the folder holds its most.

        ``voter``: tells those who vote apart, such as an address; "" for nobody in particular. Returns False for a vote that does
        not count, since there were MOST_OF_ONE of the voter that day.
        """
        with self._lock:
            if not self._counts(voter[:VOTER_CHARACTERS]):
                return False
            self._cast.append(vote)
            del self._cast[: -self.most_bytes // 100]  # as many as fit into the file
            if self.folder is None:
                return True
            with suppress(OSError):
                line = line_of(vote)
                self.folder.mkdir(parents=True, exist_ok=True)
                size = sum(path.stat().st_size for path in self.folder.glob(PATTERN))
                if size + len(line.encode()) <= self.most_bytes:
                    with (self.folder / self._name).open("a", encoding="utf-8") as file:
                        file.write(line)
            return True

    def _counts(self, voter: str) -> bool:
        """Whether another vote of a voter counts today; if so, it is noted."""
        if self._day != today():
            self._day = today()
            self._voters.clear()
        if not voter or (voter not in self._voters and len(self._voters) >= MOST_VOTERS):
            return True
        self._voters[voter] += 1
        return self._voters[voter] <= MOST_OF_ONE

    def votes(self) -> list[Vote]:
        """All that is known."""
        with self._lock:
            return [*(vote for votes in self._earlier.values() for vote in votes), *self._cast]


def summary(votes: Iterable[Vote]) -> dict[str, Any]:
    """The votes in numbers, as JSON data.

    ``guesses``: the blind ones, how many and which share was right, with a 95 % interval (Wilson, 1927); ``heard`` the same for
    guesses of those who had heard one of the two. ``preferred``: for each diversity, how often it was chosen over another.
    ``places``: among versions of one diversity, how often the first, the second and so on was.
    """
    cast = list(votes)
    guesses = [vote for vote in cast if isinstance(vote, Guess)]
    preferences = [vote for vote in cast if isinstance(vote, Preference)]
    mixed = [vote for vote in preferences if len(set(vote.among)) > 1]
    alike = [vote for vote in preferences if len(set(vote.among)) == 1]
    return {
        "guesses": _share([guess.right for guess in guesses if not guess.heard]),
        "heard": _share([guess.right for guess in guesses if guess.heard]),
        "preferred": {
            f"{diversity:g}": _share([vote.diversity == diversity for vote in mixed if diversity in vote.among])
            for diversity in sorted({each for vote in mixed for each in vote.among})
        },
        "places": {
            str(place): _share([vote.place == place for vote in alike if len(vote.among) >= place])
            for place in range(1, 1 + max((len(vote.among) for vote in alike), default=0))
        },
    }


def wilson(right: int, number: int) -> tuple[float, float]:
    """The 95 % interval of a share: Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927.

    >>> [round(end, 2) for end in wilson(8, 10)]
    [0.49, 0.94]
    """
    if not number:
        return 0.0, 1.0
    share, spread = right / number, _Z * _Z / number
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / number + spread / number / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def in_words(figures: dict[str, Any]) -> str:
    """A ``summary`` for people, a line each."""
    lines = [
        f"Right guesses: {_said(figures['guesses'])}",
        f"Right guesses of those who had heard one before: {_said(figures['heard'])}",
        *(f"Preferred diversity {diversity}: {_said(share)}" for diversity, share in figures["preferred"].items()),
        *(f"Preferred version {place}: {_said(share)}" for place, share in figures["places"].items()),
    ]
    return "\n".join(lines)


def percent(share: float) -> str:
    """A share for people.

    >>> percent(0.614)
    '61 %'
    """
    return f"{100 * share:.0f} %"


def _share(hits: Sequence[bool]) -> dict[str, Any]:
    """How many there were, the share of hits and its interval; no share of none."""
    if not hits:
        return {"number": 0}
    low, high = wilson(sum(hits), len(hits))
    return {"number": len(hits), "share": round(sum(hits) / len(hits), 4), "interval": [round(low, 4), round(high, 4)]}


def _said(share: dict[str, Any]) -> str:
    if not share["number"]:
        return "none yet"
    low, high = share["interval"]
    return f"{percent(share['share'])} of {share['number']} (95 % interval {percent(low)} to {percent(high)})"
