"""A sentence with its figures, kept apart so that it can be said in another language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sentence:
    """An English sentence with {names} in braces, and the ``values`` that stand there: texts, numbers or sentences.

    ``many``: the same for any number but one, if the sentence says how many; the value ``n`` is that number.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    many: str = ""

    def __str__(self) -> str:
        """The sentence in English."""
        template = self.many if self.many and self.values["n"] != 1 else self.template
        return template.format(**self.values) if self.values else template


def sentence(template: str, **values: Any) -> Sentence:
    """A sentence with its values."""
    return Sentence(template, values)


def counted(one: str, many: str, n: int, **values: Any) -> Sentence:
    """A sentence that says how many: ``one`` for 1, ``many`` for any other number ``n``."""
    return Sentence(one, {"n": n, **values}, many)
