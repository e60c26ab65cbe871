"""Figures of continuations against their seed: what ``critic`` hears."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from musiclstm.scoring.figures import MOST_LEAP, Figures, Parts, describe
from musiclstm.scoring.groups import (
    Bools,
    Floats,
    Groups,
    Ints,
    Values,
    cosines,
    information,
    kinds_of,
    lengths,
    mean_row,
    within,
)

DISTANCES = (1, 2, 4, 8)  # bars
LAGS = ((1, 4), (5, 12), (13, 48))  # notes: from the first to the last of each group
FEWEST_VELOCITIES = 12  # different ones in a seed that somebody played


def figures(seed: Parts, of_seed: Figures, parts: Parts) -> Figures:
    """All figures of k continuations of one seed: their own, how far these are from those ``of_seed``, and ``compare``'s."""
    own = describe(parts)
    apart = {f"{name} change": values - of_seed[name] for name, values in own.items()}
    return own | apart | compare(seed, parts) | {"bars": np.full(parts.k, np.log(parts.bars))}


def compare(seed: Parts, parts: Parts) -> Figures:
    """How like the seed each part is, what is new in it, what returns, how it begins, and how its later half differs.

    ``seed`` is one part.
    """
    rhythm = _alike(seed.grid, parts.grid, seed.grid_lengths, parts.grid_lengths)
    like = _likeness(seed, parts, rhythm[:, :, : seed.bars]) | _new(seed, parts) | _returns(seed, parts, rhythm)
    return like | _seam(seed, parts) | _drift(parts) | _circling(seed, parts) | _touch(seed, parts)


def _likeness(seed: Parts, parts: Parts, rhythm: Floats) -> Figures:
    """How like the seed: rhythm of each bar against the most similar one of the seed, texture, harmony, and distributions.

    ``rhythm`` [k, bars, bars of the seed]: see ``_alike``.
    """
    best = rhythm.max(axis=2)
    texture, model = parts.density, seed.density[0]
    apart = np.abs(texture[:, :, None] - model).sum(axis=3)
    apart /= np.maximum(1, parts.notes_of_bars[:, :, None] + seed.notes_of_bars)
    unlike = apart.min(axis=2)
    whole, last, of_seed = parts.chroma.sum(axis=1), parts.chroma[:, -2:].sum(axis=1), seed.chroma.sum(axis=1)
    onsets, theirs = parts.onsets, seed.onsets
    spans = (seed.top - seed.low) // 3, (parts.top - parts.low) // 3
    intervals = [within(each.onsets.moves(each.top), 13) for each in (seed, parts)]
    return {
        "rhythm of the seed": mean_row(best),
        "least rhythm of the seed": best.min(axis=1),
        "rhythm of the seed, later half": mean_row(best[:, parts.bars // 2 :]),
        "rhythm of the whole seed": mean_row(rhythm.reshape(parts.k, -1)),
        "texture unlike the seed": mean_row(unlike),
        "texture most unlike the seed": unlike.max(axis=1),
        "harmony of the seed": cosines(whole, of_seed, lengths(whole) * lengths(of_seed)),
        "harmony of the seed, last bars": cosines(last, of_seed, lengths(last) * lengths(of_seed)),
        "steps unlike": _divergence(theirs.pairs, seed.steps, onsets.pairs, parts.steps),
        "durations unlike": _divergence(seed.notes, seed.duration, parts.notes, parts.duration),
        "chord sizes unlike": _divergence(theirs, seed.count, onsets, parts.count),
        "intervals unlike": _divergence(theirs.pairs, intervals[0], onsets.pairs, intervals[1]),
        "spans unlike": _divergence(theirs, spans[0], onsets, spans[1]),
    }


def _new(seed: Parts, parts: Parts) -> Figures:
    """Shares of what the seed does not have."""
    return {
        "new places": parts.onsets.mean(_unknown(parts.place, seed.place)),
        "new durations": parts.notes.mean(_unknown(parts.duration, seed.duration)),
        "new steps": parts.onsets.pairs.mean(_unknown(parts.steps, seed.steps)),
        "new pitch classes": parts.notes.mean(_unknown(parts.pitch % 12, seed.pitch % 12)),
        "above the seed": parts.notes.mean(parts.pitch > seed.pitch.max()),
        "below the seed": parts.notes.mean(parts.pitch < seed.pitch.min()),
    }


def _unknown(ours: Ints, theirs: Ints) -> Bools:
    """Which of ``ours`` are not among ``theirs``."""
    (mine, known), width = kinds_of(ours, theirs)
    return np.asarray(np.bincount(known, minlength=width)[mine] == 0)


def _returns(seed: Parts, parts: Parts, rhythm: Floats) -> Figures:
    """Likeness of each bar to earlier ones, those of the seed included. ``rhythm`` [k, bars, bars of both]: see ``_alike``."""
    pairs, before = _earlier(seed.bars, parts.bars)
    harmony = _alike(seed.chroma, parts.chroma, seed.chroma_lengths, parts.chroma_lengths)
    found: Figures = {}
    for apart, (now, then) in zip(DISTANCES, pairs, strict=True):
        for name, alike in (("harmony", harmony), ("rhythm", rhythm)):
            found[f"{name} {apart} bars before"] = mean_row(alike[:, now, then]) if len(now) else np.full(parts.k, 0.5)
    earlier = np.where(before, harmony, 0.0).max(axis=2)
    best = np.where(before, _overlaps(seed, parts), 0.0).max(axis=2)
    return found | {
        "harmony of any bar before": mean_row(earlier),
        "newest harmony": earlier.min(axis=1),
        "bars that return": mean_row(best > 0.999),
        "likest bar before": mean_row(best),
        "likest bar of all": best.max(axis=1),
    }


def _alike(theirs: Floats, ours: Floats, their_lengths: Floats, our_lengths: Floats) -> Floats:
    """Cosines of each bar of a part with each bar of the seed and the part [k, bars, bars of both]; 0 where one is empty."""
    of_seed = ours @ theirs[0].T / np.maximum(our_lengths[:, :, None] * their_lengths, 1e-9)
    of_part = ours @ ours.transpose(0, 2, 1) / np.maximum(our_lengths[:, :, None] * our_lengths[:, None], 1e-9)
    return np.concatenate([of_seed, of_part], axis=2)


@lru_cache(maxsize=256)
def _earlier(seed_bars: int, bars: int) -> tuple[list[Ints], Bools]:
    """For each of DISTANCES the new bars that have one so far before them, and which bars of seed and part together these are
    [2, pairs]; and of each new bar, which bars of both lie before it [bars, seed_bars + bars].
    """
    numbers = [np.arange(max(0, apart - seed_bars), bars) for apart in DISTANCES]
    pairs = [np.stack([later, seed_bars + later - apart]) for later, apart in zip(numbers, DISTANCES, strict=True)]
    return pairs, np.tri(bars, seed_bars + bars, seed_bars - 1, dtype=bool)


def _overlaps(seed: Parts, parts: Parts) -> Floats:
    """Of each bar of a part, the share of what it and each bar of both strike in what either strikes [k, bars, bars of both]
    (Jaccard index).
    """
    (theirs, ours), width = kinds_of(seed.struck, parts.struck)
    strikes = np.zeros((parts.k, seed.bars + parts.bars, width), np.float32)
    strikes[:, seed.onset // seed.bar, theirs] = 1.0
    strikes[parts.notes.number, seed.bars + parts.onset // parts.bar, ours] = 1.0
    both = (strikes[:, seed.bars :] @ strikes.transpose(0, 2, 1)).astype(np.float64)  # whole numbers: exact
    count = strikes.sum(axis=2, dtype=np.float64)
    return np.asarray(both / np.maximum(1.0, count[:, seed.bars :, None] + count[:, None] - both))


def _circling(seed: Parts, parts: Parts) -> Figures:
    """Shares of notes that repeat the note (step and pitch) a few notes before, at the distance where most do."""
    notes, most, begin = parts.notes, LAGS[-1][1], len(seed.pitch)
    steps = np.diff(parts.onset, prepend=0)
    steps[notes.first] = parts.onset[notes.first] + seed.bars * seed.bar - seed.onset[-1]
    rows = parts.pitch + 128 * steps
    place = np.arange(len(rows)) - notes.first[notes.number]  # of each note in its part
    # One line for each part: the last notes of the seed, then its own. Where there is none, negative numbers are never the same.
    own = np.full((parts.k, int(notes.sizes.max())), -1)
    own[notes.number, place] = rows
    line = np.full((parts.k, most + own.shape[1]), -2)
    line[:, max(0, most - begin) : most] = (seed.pitch + 128 * np.diff(seed.onset, prepend=seed.onset[0]))[-most:]
    line[:, most:] = np.where(own < 0, -2, own)
    before = np.lib.stride_tricks.sliding_window_view(line[:, :-1], most, axis=1)  # [k, notes, most], the nearest one last
    again = np.count_nonzero(before == own[:, :, None], axis=1)[:, ::-1]
    lags = np.arange(1, most + 1)
    shares = again / np.maximum(1, begin + notes.sizes[:, None] - np.maximum(begin, lags))
    found = {f"notes repeated after {first} to {last}": shares[:, first - 1 : last].max(axis=1) for first, last in LAGS}
    return found | {"different notes": notes.different(rows) / notes.sizes}


def _touch(seed: Parts, parts: Parts) -> Figures:
    """Velocities beside those of the seed; all 0 if the seed's have hardly a difference, as in typeset music."""
    names = (
        "louder",
        "spread of velocities",
        "upper notes louder",
        "changes of velocity",
        "high notes louder",
        "drift of velocity",
    )
    if seed.notes.different(seed.velocity)[0] < FEWEST_VELOCITIES:
        return dict.fromkeys(names, np.zeros(parts.k))
    theirs, ours = _loudness(seed), _loudness(parts)
    return dict(zip(names, [*(mine - other for mine, other in zip(ours[:5], theirs[:5], strict=True)), ours[5]], strict=True))


def _loudness(parts: Parts) -> list[Floats]:
    notes, onsets = parts.notes, parts.onsets
    velocity, pitch = parts.velocity / 16.0, parts.pitch / 12.0
    mean = np.bincount(parts.chord, velocity) / parts.count
    upper = parts.first + parts.count - 1
    loudness, height = notes.mean(velocity), notes.mean(pitch)
    away, high = velocity - loudness[notes.number], pitch - height[notes.number]
    later, earlier = _halves(notes, 2 * parts.onset >= parts.bars * parts.bar, velocity)
    return [
        loudness,
        notes.spread(velocity),
        onsets.mean(velocity[upper] - mean),
        onsets.pairs.mean(np.abs(onsets.moves(mean))),
        notes.mean(away * high) / (notes.spread(velocity) * notes.spread(pitch) + 1e-6),
        later - earlier,
    ]


def _seam(seed: Parts, parts: Parts) -> Figures:
    """The step from the seed to the continuation, and the extremes of its density."""
    theirs, ours, first = seed.notes_of_bars, parts.notes_of_bars, parts.onsets.first
    return {
        "upper leap at the seam": np.minimum(MOST_LEAP, np.abs(parts.top[first] - seed.top[-1])) / 12,
        "lower leap at the seam": np.minimum(MOST_LEAP, np.abs(parts.low[first] - seed.low[-1])) / 12,
        "density at the seam": np.log((ours[:, 0] + 1) / (theirs[:, -1] + 1)),
        "densest bar": np.log((ours.max(axis=1) + 1) / (theirs.max() + 1)),
        "thinnest bar": np.log((ours.min(axis=1) + 1) / (theirs.min() + 1)),
    }


def _drift(parts: Parts) -> Figures:
    """How the later half of each part differs from the earlier one; 0 if either has no notes."""
    late, late_onset = (2 * ticks >= parts.bars * parts.bar for ticks in (parts.onset, parts.times))
    later, earlier = (parts.notes.those(each).sizes + 1 for each in (late, ~late))
    pitch, earlier_pitch = _halves(parts.notes, late, parts.pitch)
    duration, earlier_duration = _halves(parts.notes, late, parts.duration)
    count, earlier_count = _halves(parts.onsets, late_onset, parts.count)
    return {
        "drift of density": np.where((later > 1) & (earlier > 1), np.log(later / earlier), 0.0),
        "drift of pitch": (pitch - earlier_pitch) / 12,
        "drift of duration": np.log(duration / earlier_duration),
        "drift of chord size": count - earlier_count,
    }


def _halves(groups: Groups, late: Bools, values: Values) -> tuple[Floats, Floats]:
    """The means of the late values and of the others; both are the mean of all in a group where either has none."""
    halves = [(groups.those(mask), values[mask]) for mask in (late, ~late)]
    missing = np.logical_or.reduce([half.sizes == 0 for half, _ in halves])
    later, earlier = (np.where(missing, groups.mean(values), half.mean(some)) for half, some in halves)
    return later, earlier


def _divergence(theirs: Groups, known: Ints, ours: Groups, values: Ints) -> Floats:
    """Jensen-Shannon divergences of the seed's values and those of each part, 0 to 1 bit; 0 if a side is empty."""
    (some, others), width = kinds_of(known, values)
    known_shares, shares = theirs.shares(some, width), ours.shares(others, width)
    found = information((known_shares + shares) / 2) - (information(known_shares) + information(shares)) / 2
    return np.where((theirs.sizes > 0) & (ours.sizes > 0), found, 0.0)
