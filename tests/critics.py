"""Critics that go by a single figure, for tests."""

from __future__ import annotations

import numpy as np

from musiclstm.scoring.critic import Critic, figure_names


def critic_for(figure: str, sign: float = 1.0, mood: float = 0.0) -> Critic:
    """A critic whose score is ``sign`` times the ``figure``, for values far below 4000, plus ``mood``."""
    names = figure_names()
    weights = np.zeros((1, len(names), 2))
    weights[0, names.index(figure)] = (1000.0, -1000.0)
    return Critic(
        mean=np.zeros(len(names)),
        spread=np.full(len(names), 1000.0),
        hidden=weights,
        hidden_bias=np.zeros((1, 2)),
        out=np.array([[sign, -sign]]),
        out_bias=np.array([mood]),
    )
