"""Samples for a player elsewhere: what is rendered, and what is said about it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from musiclstm.errors import MissingToolError, OptionError
from musiclstm.music.notes import Piece, Tempo, make_notes
from musiclstm.render import samples
from musiclstm.render.audio import SAMPLE_RATE, SOUNDFONT_VARIABLE, Audio, find_soundfont, synthesize
from musiclstm.render.samples import SampleLibrary, Samples

PIANO, HARPSICHORD, ORGAN, VIOLA = 0, 6, 19, 41
RATE = float(SAMPLE_RATE)
LOUDEST = samples.VELOCITIES[-1]


@pytest.fixture(autouse=True, scope="module")
def few_keys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "KEYS", (33, 60, 108))
        yield


@pytest.fixture(scope="module")
def piano(tmp_path_factory: pytest.TempPathFactory) -> SampleLibrary:
    """With the samples of the piano."""
    library = SampleLibrary(tmp_path_factory.mktemp("piano"))
    library.warm_up()
    return library


def heard(library: SampleLibrary, program: int, key: int, velocity: int = LOUDEST) -> NDArray[np.float32]:
    version, _ = library.samples(program)
    path = library.file(version, program, velocity, key)
    assert path is not None
    data, rate = soundfile.read(io.BytesIO(path.read_bytes()), dtype="float32")
    assert rate == SAMPLE_RATE
    return np.asarray(data).mean(axis=1)


def frequency(sound: NDArray[np.float32]) -> float:
    """Of the fundamental, which may be weaker than the next partial: the shortest time after which the wave is alike."""
    part = sound[SAMPLE_RATE // 10 : SAMPLE_RATE]
    alike = np.fft.irfft(np.abs(np.fft.rfft(part, 2 * len(part))) ** 2)[: len(part)]
    shortest = int(np.flatnonzero(alike < 0)[0])
    return RATE / (shortest + int(alike[shortest:].argmax()))


def brightness(sound: NDArray[np.float32]) -> float:
    power = np.abs(np.fft.rfft(sound[:SAMPLE_RATE])) ** 2
    return float(10 * np.log10(power[1000:].sum() / power.sum()))


def struck(velocity: int) -> Audio:
    """Middle C of the piano, dry."""
    note = make_notes([0], [60], [48], [velocity])
    return synthesize(Piece(note, tempi=(Tempo(0, 60.0),)), reverb=False)


def level(sound: NDArray[np.float32], seconds: float) -> float:
    start = round(seconds * RATE)
    return float(np.sqrt(np.mean(sound[start : start + SAMPLE_RATE // 10] ** 2)))


def test_a_piano_key_sounds_at_its_pitch_from_the_beginning_and_dies_away(piano: SampleLibrary) -> None:
    _, facts = piano.samples(PIANO)
    assert facts.keys == (33, 60, 108)
    assert facts.loops is None
    assert 0.03 <= facts.release < 0.5
    middle = heard(piano, PIANO, 60)
    assert frequency(middle) == pytest.approx(261.63, rel=0.01)
    assert np.abs(middle[: SAMPLE_RATE // 10]).max() > 0.5 * np.abs(middle).max()
    assert level(middle, 2.0) < 0.5 * level(middle, 0.1)
    assert np.abs(middle[-100:]).max() < 0.01 * np.abs(middle).max()
    assert len(heard(piano, PIANO, 108)) < len(heard(piano, PIANO, 33))


def test_soft_and_loud_piano_notes_are_as_bright_and_loud_as_those_of_files(piano: SampleLibrary) -> None:
    _, facts = piano.samples(PIANO)
    for velocity in (36, 64, 100):
        near = min(facts.velocities, key=lambda each: abs(each - velocity))
        sample, file = heard(piano, PIANO, 60, near), struck(velocity).samples.mean(axis=1)
        assert brightness(sample) == pytest.approx(brightness(file), abs=3.0)
        louder = 20 * np.log10(level(sample, 0.2) * (velocity / near) ** 2 / level(file, 0.2))
        assert louder == pytest.approx(0.0, abs=2.0)


def test_only_an_instrument_that_grows_brighter_has_several_velocities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "KEYS", (60,))
    assert SampleLibrary(tmp_path / "organ").samples(ORGAN)[1].velocities == (LOUDEST,)
    monkeypatch.setattr(samples, "_brightness", lambda sound: 20 * np.log10(np.abs(sound).max()))
    library = SampleLibrary(tmp_path / "brighter")
    assert library.samples(PIANO)[1].velocities == samples.VELOCITIES
    assert level(heard(library, PIANO, 60, samples.VELOCITIES[0]), 0.1) < 0.5 * level(heard(library, PIANO, 60), 0.1)


def test_the_samples_of_a_quieter_font_are_played_with_more_gain(
    piano: SampleLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "KEYS", (60,))
    monkeypatch.setattr(samples, "synthesize", lambda *asked, **options: Audio(0.5 * synthesize(*asked, **options).samples))
    quieter = SampleLibrary(tmp_path).samples(HARPSICHORD)[1]
    assert quieter.gain == pytest.approx(2 * piano.samples(PIANO)[1].gain, rel=0.01)


def test_a_held_organ_note_goes_on_without_a_seam(tmp_path: Path) -> None:
    library = SampleLibrary(tmp_path)
    _, facts = library.samples(ORGAN)
    assert facts.loops is not None
    sound = heard(library, ORGAN, 60)
    start, end = (round(seconds * RATE) for seconds in facts.loops[1])
    assert len(sound) > end
    longer = np.concatenate([sound[:end], sound[start:end]])
    # At the seam the loudness moves no more than elsewhere, and no sample jumps.
    usual = [level(sound, seconds) for seconds in np.arange(1.0, 3.6, 0.1)]
    blending = [level(longer, end / RATE + seconds) for seconds in np.arange(-0.25, 0.2, 0.05)]
    assert 0.75 * min(usual) < min(blending) <= max(blending) < 1.3 * max(usual)
    steps = np.abs(np.diff(longer))
    assert steps[end - 200 : end + 200].max() <= 1.2 * steps[SAMPLE_RATE : end - 400].max()


def test_keys_that_a_font_lacks_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "KEYS", (60, 105))
    assert SampleLibrary(tmp_path).samples(VIOLA)[1].keys == (60,)  # no common sound font has a viola above D7


def test_samples_are_kept_and_another_font_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version, facts = SampleLibrary(tmp_path).samples(HARPSICHORD)
    monkeypatch.setattr(samples, "synthesize", None)  # nothing is rendered again
    assert SampleLibrary(tmp_path).samples(HARPSICHORD) == (version, facts)
    monkeypatch.undo()
    monkeypatch.setattr(samples, "KEYS", (60,))
    (tmp_path / "other.sf2").symlink_to(find_soundfont())
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "other.sf2"))
    other, few = SampleLibrary(tmp_path).samples(HARPSICHORD)
    assert other != version
    assert few.keys == (60,)


def test_damaged_facts_are_made_again(tmp_path: Path) -> None:
    library = SampleLibrary(tmp_path)
    version, facts = library.samples(HARPSICHORD)
    (tmp_path / version / str(HARPSICHORD) / "facts.json").write_text('{"keys": [', encoding="utf-8")
    assert library.samples(HARPSICHORD) == (version, facts)


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = SampleLibrary(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingToolError, match="install"):
        library.samples(PIANO)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    library.warm_up()  # whoever asks is told, so this is quiet


@pytest.mark.parametrize(
    ("version", "program", "velocity", "key"),
    [("..", 0, 92, 60), ("a/b", 0, 92, 60), ("abc", 1, 92, 60), ("abc", 0, 92, 999), ("abc", 0, 1, 60)],
)
def test_only_samples_are_handed_out(tmp_path: Path, version: str, program: int, velocity: int, key: int) -> None:
    assert SampleLibrary(tmp_path).file(version, program, velocity, key) is None


def test_a_program_of_no_instrument_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="not of 127"):
        SampleLibrary(tmp_path).samples(127)


def test_the_facts_are_json() -> None:
    facts = Samples((21,), (44, 92), 2.0, 0.2, ((2.0, 4.5),))
    told = {"keys": [21], "velocities": [44, 92], "gain": 2.0, "release": 0.2, "loops": [[2.0, 4.5]]}
    assert json.loads(json.dumps(facts.to_json())) == told
