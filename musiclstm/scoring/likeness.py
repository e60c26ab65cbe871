"""Figures of a continuation against its seed: what ``critic`` hears."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from musiclstm.scoring.figures import MOST_LEAP, Figures, Part, describe
from musiclstm.scoring.short_arrays import (
    Floats,
    Ints,
    cosines,
    counts_of,
    different,
    lengths,
    mean_of,
    moves,
    spread_of,
    within,
)

DISTANCES = (1, 2, 4, 8)  # bars
LAGS = ((1, 4), (5, 12), (13, 48))  # notes: from the first to the last of each group
FEWEST_VELOCITIES = 12  # different ones in a seed that somebody played


def compare(seed: Part, part: Part) -> Figures:
    """How like its seed a continuation is, what is new in it, what returns, how it begins, and how its later half differs."""
    plain = _likeness(seed, part) | _new(seed, part) | _returns(seed, part) | _seam(seed, part) | _drift(part)
    return plain | _circling(seed, part) | _touch(seed, part)


def figures(seed: Part, of_seed: Figures, part: Part) -> Figures:
    """All figures of a continuation: its own, their differences from those ``of_seed``, and what ``compare`` says."""
    own = describe(part)
    apart = {f"{name} change": value - of_seed[name] for name, value in own.items()}
    return own | apart | compare(seed, part) | {"bars": float(np.log(part.bars))}


def _likeness(seed: Part, part: Part) -> Figures:
    """How like the seed: rhythm of each bar against the most similar one of the seed, texture, harmony, and distributions."""
    ours, theirs = part.grid, seed.grid
    sizes = np.outer(part.grid_lengths, seed.grid_lengths)
    rhythm = ours @ theirs.T / np.maximum(sizes, 1e-9)
    best = rhythm.max(axis=1)
    texture, model = part.density, seed.density
    apart = np.abs(texture[:, None] - model[None]).sum(axis=2)
    apart /= np.maximum(1, texture.sum(axis=1)[:, None] + model.sum(axis=1)[None])
    chroma, chroma_seed = part.chroma, seed.chroma.sum(axis=0, keepdims=True)
    whole, last = (each.sum(axis=0, keepdims=True) for each in (chroma, chroma[-2:]))
    intervals = [within(moves(line), 13) for line in (seed.top, part.top)]
    return {
        "rhythm of the seed": mean_of(best),
        "least rhythm of the seed": float(best.min()),
        "rhythm of the seed, later half": mean_of(best[len(best) // 2 :]),
        "rhythm of the whole seed": mean_of(rhythm),
        "texture unlike the seed": mean_of(apart.min(axis=1)),
        "texture most unlike the seed": float(apart.min(axis=1).max()),
        "harmony of the seed": float(cosines(whole, chroma_seed, lengths(whole) * lengths(chroma_seed))[0]),
        "harmony of the seed, last bars": float(cosines(last, chroma_seed, lengths(last) * lengths(chroma_seed))[0]),
        "steps unlike": _divergence(seed.steps, part.steps),
        "durations unlike": _divergence(seed.duration, part.duration),
        "chord sizes unlike": _divergence(seed.count, part.count),
        "intervals unlike": _divergence(*intervals),
        "spans unlike": _divergence((seed.top - seed.low) // 3, (part.top - part.low) // 3),
    }


def _new(seed: Part, part: Part) -> Figures:
    """Shares of what the seed does not have."""
    pairs = {
        "places": (part.place, seed.place),
        "durations": (part.duration, seed.duration),
        "steps": (part.steps, seed.steps),
        "pitch classes": (part.pitch % 12, seed.pitch % 12),
    }
    unknown = {f"new {name}": mean_of(_unknown(ours, theirs)) for name, (ours, theirs) in pairs.items()}
    return unknown | {
        "above the seed": mean_of(part.pitch > seed.pitch.max()),
        "below the seed": mean_of(part.pitch < seed.pitch.min()),
    }


def _unknown(ours: Ints, theirs: Ints) -> NDArray[np.bool_]:
    """Which of ``ours`` are not among ``theirs``."""
    both = np.concatenate([ours, theirs])
    if not len(both):
        return np.zeros(0, bool)
    low = int(both.min())
    return np.asarray(counts_of(theirs, low, int(both.max()))[ours - low] == 0)


def _returns(seed: Part, part: Part) -> Figures:
    """Likeness of each bar to earlier ones, those of the seed included."""
    pairs, before = _earlier(seed.bars, part.bars)
    found: Figures = {}
    views = {
        "harmony": (np.concatenate([seed.chroma, part.chroma]), np.concatenate([seed.chroma_lengths, part.chroma_lengths])),
        "rhythm": (np.concatenate([seed.grid, part.grid]), np.concatenate([seed.grid_lengths, part.grid_lengths])),
    }
    now, then = np.concatenate(pairs, axis=1)
    alike = {name: cosines(view[now], view[then], size[now] * size[then]) for name, (view, size) in views.items()}
    begin = 0
    for apart, (numbers, _) in zip(DISTANCES, pairs, strict=True):
        for name in views:
            values = alike[name][begin : begin + len(numbers)]
            found[f"{name} {apart} bars before"] = mean_of(values) if len(values) else 0.5
        begin += len(numbers)
    chroma, size = views["harmony"]
    unit = chroma / np.maximum(size[:, None], 1e-9)
    earlier = np.where(before, unit[seed.bars :] @ unit.T, 0.0).max(axis=1)
    best = np.where(before, _overlaps(seed, part), 0.0).max(axis=1)
    return found | {
        "harmony of any bar before": mean_of(earlier),
        "newest harmony": float(earlier.min()),
        "bars that return": mean_of(best > 0.999),
        "likest bar before": mean_of(best),
        "likest bar of all": float(best.max()),
    }


@lru_cache(maxsize=256)
def _earlier(seed_bars: int, bars: int) -> tuple[list[Ints], NDArray[np.bool_]]:
    """For each of DISTANCES the numbers of new bars, and of those so many bars before [2, pairs]; and of each new bar, which bars
    of both lie before it [bars, seed_bars + bars].
    """
    numbers = [np.arange(max(seed_bars, apart), seed_bars + bars) for apart in DISTANCES]
    pairs = [np.stack([later, later - apart]) for later, apart in zip(numbers, DISTANCES, strict=True)]
    return pairs, np.tri(bars, seed_bars + bars, seed_bars - 1, dtype=bool)


def _overlaps(seed: Part, part: Part) -> Floats:
    """Of each bar of the part, the share of what it and each bar of both strike in what either strikes (Jaccard index)."""
    _, kind = np.unique(np.concatenate([seed.struck, part.struck]), return_inverse=True)
    bar = np.concatenate([seed.onset // seed.bar, part.onset // part.bar + seed.bars])
    strikes = np.zeros((seed.bars + part.bars, int(kind.max()) + 1))
    strikes[bar, kind] = 1.0
    count, both = np.add.reduce(strikes, axis=1), strikes[seed.bars :] @ strikes.T
    return np.asarray(both / np.maximum(1.0, count[seed.bars :, None] + count - both))


def _circling(seed: Part, part: Part) -> Figures:
    """Shares of notes that repeat the note (step and pitch) a few notes before, at the distance where most do."""
    onset = np.concatenate([seed.onset - seed.bars * seed.bar, part.onset])
    rows = np.concatenate([seed.pitch, part.pitch])
    rows[1:] += 128 * moves(onset)
    begin, lags = len(seed.pitch), np.arange(1, LAGS[-1][1] + 1)
    then = np.arange(begin, len(rows)) - lags[:, None]
    again = (rows[begin:] == rows[np.maximum(0, then)]) & (then >= 0)
    shares = np.count_nonzero(again, axis=1) / np.maximum(1, len(rows) - np.maximum(begin, lags))
    found = {f"notes repeated after {first} to {last}": float(shares[first - 1 : last].max()) for first, last in LAGS}
    return found | {"different notes": different(rows[begin:]) / len(rows[begin:])}


def _touch(seed: Part, part: Part) -> Figures:
    """Velocities beside those of the seed; all 0 if the seed's have hardly a difference, as in typeset music."""
    names = (
        "louder",
        "spread of velocities",
        "upper notes louder",
        "changes of velocity",
        "high notes louder",
        "drift of velocity",
    )
    if different(seed.velocity) < FEWEST_VELOCITIES:
        return dict.fromkeys(names, 0.0)
    theirs, ours = _loudness(seed), _loudness(part)
    return dict(zip(names, [*(mine - other for mine, other in zip(ours[:5], theirs[:5], strict=True)), ours[5]], strict=True))


def _loudness(part: Part) -> list[float]:
    velocity, pitch = part.velocity / 16.0, part.pitch / 12.0
    mean = np.bincount(part.chord, velocity) / part.count
    last = np.cumsum(part.count) - 1
    away, height = velocity - mean_of(velocity), pitch - mean_of(pitch)
    late = 2 * part.onset >= part.bars * part.bar
    drift = mean_of(velocity[late]) - mean_of(velocity[~late]) if late.any() and not late.all() else 0.0
    return [
        mean_of(velocity),
        spread_of(velocity),
        mean_of(velocity[last] - mean),
        mean_of(np.abs(moves(mean))),
        mean_of(away * height) / (spread_of(away) * spread_of(height) + 1e-6),
        drift,
    ]


def _seam(seed: Part, part: Part) -> Figures:
    """The step from the seed to the continuation, and the extremes of its density."""
    theirs, ours = (np.bincount(some.onset // some.bar, minlength=some.bars) for some in (seed, part))
    return {
        "upper leap at the seam": min(MOST_LEAP, abs(int(part.top[0] - seed.top[-1]))) / 12,
        "lower leap at the seam": min(MOST_LEAP, abs(int(part.low[0] - seed.low[-1]))) / 12,
        "density at the seam": float(np.log((ours[0] + 1) / (theirs[-1] + 1))),
        "densest bar": float(np.log((ours.max() + 1) / (theirs.max() + 1))),
        "thinnest bar": float(np.log((ours.min() + 1) / (theirs.min() + 1))),
    }


def _drift(part: Part) -> Figures:
    late, late_chord = (2 * times >= part.bars * part.bar for times in (part.onset, part.times))
    if late.all() or not late.any():
        return dict.fromkeys(("drift of density", "drift of pitch", "drift of duration", "drift of chord size"), 0.0)
    return {
        "drift of density": float(np.log((late.sum() + 1) / ((~late).sum() + 1))),
        "drift of pitch": (mean_of(part.pitch[late]) - mean_of(part.pitch[~late])) / 12,
        "drift of duration": float(np.log(mean_of(part.duration[late]) / mean_of(part.duration[~late]))),
        "drift of chord size": mean_of(part.count[late_chord]) - mean_of(part.count[~late_chord]),
    }


def _divergence(some: Ints, others: Ints) -> float:
    """Jensen-Shannon divergence of two samples, 0 to 1 bit; 0 if one is empty."""
    if not len(some) or not len(others):
        return 0.0
    low, high = min(int(some.min()), int(others.min())), max(int(some.max()), int(others.max()))
    shares = [counts_of(part, low, high) / len(part) for part in (some, others)]
    information = [_information(share) for share in ((shares[0] + shares[1]) / 2, *shares)]
    return float(information[0] - (information[1] + information[2]) / 2)


def _information(shares: Floats) -> Floats:
    """Shannon entropy in bits of a distribution."""
    there = shares[shares > 0]
    return np.asarray(-np.add.reduce(there * np.log2(there)))
