"""Samples for a player elsewhere: what is rendered, and what is said about it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from musiclstm.errors import MissingToolError, OptionError
from musiclstm.render import samples
from musiclstm.render.audio import SAMPLE_RATE, SOUNDFONT_VARIABLE, find_soundfont
from musiclstm.render.samples import SampleLibrary, Samples

PIANO, ORGAN, VIOLIN = 0, 19, 40
RATE = float(SAMPLE_RATE)


@pytest.fixture(autouse=True)
def few_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "KEYS", (33, 60, 108))


def heard(library: SampleLibrary, program: int, key: int) -> NDArray[np.float32]:
    version, _ = library.samples(program)
    path = library.file(version, program, key)
    assert path is not None
    data, rate = soundfile.read(io.BytesIO(path.read_bytes()), dtype="float32")
    assert rate == SAMPLE_RATE
    return np.asarray(data).mean(axis=1)


def frequency(sound: NDArray[np.float32]) -> float:
    part = sound[SAMPLE_RATE // 10 : SAMPLE_RATE]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    return float(spectrum.argmax() * RATE / len(part))


def level(sound: NDArray[np.float32], seconds: float) -> float:
    start = round(seconds * RATE)
    return float(np.sqrt(np.mean(sound[start : start + SAMPLE_RATE // 10] ** 2)))


def test_a_piano_key_sounds_at_its_pitch_from_the_beginning_and_dies_away(tmp_path: Path) -> None:
    library = SampleLibrary(tmp_path)
    _, facts = library.samples(PIANO)
    assert facts.keys == (33, 60, 108)
    assert facts.loops is None
    assert 0.03 <= facts.release < 0.5
    middle = heard(library, PIANO, 60)
    assert frequency(middle) == pytest.approx(261.63, rel=0.01)
    assert np.abs(middle[: SAMPLE_RATE // 10]).max() > 0.5 * np.abs(middle).max()
    assert level(middle, 2.0) < 0.5 * level(middle, 0.1)
    assert np.abs(middle[-100:]).max() < 0.01 * np.abs(middle).max()
    assert len(heard(library, PIANO, 108)) < len(heard(library, PIANO, 33))


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
    assert SampleLibrary(tmp_path).samples(VIOLIN)[1].keys == (60,)  # FluidR3 has no violin above F7


def test_samples_are_kept_and_another_font_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version, facts = SampleLibrary(tmp_path).samples(PIANO)
    monkeypatch.setattr(samples, "synthesize", None)  # nothing is rendered again
    assert SampleLibrary(tmp_path).samples(PIANO) == (version, facts)
    monkeypatch.undo()
    monkeypatch.setattr(samples, "KEYS", (60,))
    (tmp_path / "other.sf2").symlink_to(find_soundfont())
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "other.sf2"))
    other, few = SampleLibrary(tmp_path).samples(PIANO)
    assert other != version
    assert few.keys == (60,)


def test_damaged_facts_are_made_again(tmp_path: Path) -> None:
    library = SampleLibrary(tmp_path)
    version, facts = library.samples(PIANO)
    (tmp_path / version / str(PIANO) / "facts.json").write_text('{"keys": [', encoding="utf-8")
    assert library.samples(PIANO) == (version, facts)


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = SampleLibrary(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingToolError, match="install"):
        library.samples(PIANO)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    library.warm_up()  # whoever asks is told, so this is quiet


@pytest.mark.parametrize(("version", "program", "key"), [("..", 0, 60), ("a/b", 0, 60), ("abc", 1, 60), ("abc", 0, 999)])
def test_only_samples_are_handed_out(tmp_path: Path, version: str, program: int, key: int) -> None:
    assert SampleLibrary(tmp_path).file(version, program, key) is None


def test_a_program_of_no_instrument_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="not of 127"):
        SampleLibrary(tmp_path).samples(127)


def test_the_facts_are_json() -> None:
    facts = Samples((21,), 100, 0.2, ((2.0, 4.5),))
    assert facts.to_json() == {"keys": [21], "velocity": 100, "release": 0.2, "loops": ((2.0, 4.5),)}
