"""Promises of musiclstm.render.audio. What needs FluidSynth and a sound font is skipped where they are not installed."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musiclstm.errors import MissingToolError, OptionError
from musiclstm.music.instruments import INSTRUMENTS, voices_of
from musiclstm.music.notes import Metre, Piece, Tempo, join, make_notes
from musiclstm.render.audio import (
    SAMPLE_RATE,
    SOUNDFONT_VARIABLE,
    TAIL_SECONDS,
    Audio,
    audio_ready,
    find_soundfont,
    mix,
    normalise,
    render_trio,
    synthesize,
    write_audio,
)

needs_sound = pytest.mark.skipif(audio_ready() is not None, reason=str(audio_ready()))

# Says no where FluidSynth 2.4 does (an option after a file), and then does what the variable FAKE tells: it writes 9 or 0.3
# seconds of a constant, silence or nothing, ends with an error, complains, or sleeps.
FAKE_FLUIDSYNTH = """#!/bin/sh
files=0
while [ $# -gt 0 ]; do
  case "$1" in
    -F) out="$2"; [ $files -gt 0 ] && late=1; shift 2 ;;
    -o|-r|-g|-z|-T|-O) [ $files -gt 0 ] && late=1; shift 2 ;;
    -*) [ $files -gt 0 ] && late=1; shift ;;
    *) files=$((files + 1)); shift ;;
  esac
done
if [ -n "$late" ] || [ $files -ne 2 ]; then echo "Parameter '-F' not a SoundFont or MIDI file" >&2; exit 0; fi
case "$FAKE" in
  music) yes | head -c 3200000 | tr 'y\\n' '\\076\\076' > "$out" ;;
  short) yes | head -c 100000 | tr 'y\\n' '\\076\\076' > "$out" ;;
  silence) head -c 3200000 /dev/zero > "$out" ;;
  nothing) ;;
  failure) exit 3 ;;
  complaint) echo "Failed to load the SoundFont broken.sf2" >&2; head -c 3200000 /dev/zero > "$out" ;;
  sleep) exec sleep 30 ;;
esac
"""


def chord(*pitches: int, onset: int = 0, duration: int = 24, velocity: int = 80, qpm: float = 120.0) -> Piece:
    count = len(pitches)
    notes = make_notes([onset] * count, pitches, [duration] * count, [velocity] * count)
    return Piece(notes, tempi=(Tempo(0, qpm),))


def tone(seconds: float, amplitude: float, frequency: float = 440.0) -> Audio:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave_form = (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)
    return Audio(np.stack([wave_form, wave_form], axis=1))


def level(audio: Audio, start: float, stop: float) -> float:
    part = audio.samples[round(start * audio.rate) : round(stop * audio.rate)]
    return float(10 * np.log10(np.square(part).mean() + 1e-20))


def strength(audio: Audio, pitch: int) -> float:
    """How strong the fundamental of a MIDI pitch is in the first second."""
    spectrum = np.abs(np.fft.rfft(audio.samples[: audio.rate].mean(axis=1)))  # of one second: a bin is 1 Hz
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    return float(spectrum[round(hertz * 0.98) : round(hertz * 1.02) + 1].max())


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A stand-in for a FluidSynth that misbehaves in ways the real one does on other machines."""
    program = tmp_path / "fluidsynth"
    program.write_text(FAKE_FLUIDSYNTH)
    program.chmod(0o755)
    (tmp_path / "font.sf2").write_bytes(b"RIFF")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "font.sf2"))
    return monkeypatch


@needs_sound
def test_audio_is_as_long_as_the_music_and_its_tail() -> None:
    slow_end = replace(chord(60, 64, 67, onset=96), tempi=(Tempo(0, 120.0), Tempo(48, 60.0)))
    assert synthesize(slow_end, tail_seconds=1.5).seconds == pytest.approx(1.0 + 3.0 + 1.5, abs=1e-4)


@needs_sound
def test_last_chord_rings_on_into_the_tail_and_ends_in_silence() -> None:
    audio = synthesize(chord(36, 48, 60, duration=48, velocity=100), voices=INSTRUMENTS["strings"])
    assert level(audio, 1.0, 1.2) > -40.0
    assert level(audio, 1.2, 1.5) < level(audio, 0.7, 1.0)
    assert level(audio, audio.seconds - 0.02, audio.seconds) < -70.0
    assert not audio.samples[-1].any()


@needs_sound
def test_tail_longer_than_fluidsynth_waits_by_itself_is_rendered() -> None:
    assert synthesize(chord(60, 64), tail_seconds=6.0).seconds == pytest.approx(6.5, abs=1e-4)


@needs_sound
def test_notes_sound_where_they_are_written() -> None:
    for qpm in (60.0, 137.0):
        audio = synthesize(chord(72, onset=96, velocity=110, qpm=qpm), voices=INSTRUMENTS["harpsichord"])
        first = int(np.argmax(np.abs(audio.samples).max(axis=1) > 0.1 * audio.peak))
        assert first / SAMPLE_RATE == pytest.approx(4 * 60 / qpm, abs=0.01)


@needs_sound
def test_same_piece_gives_same_samples() -> None:
    first, second = synthesize(chord(60, 67)), synthesize(chord(60, 67))
    assert np.array_equal(first.samples, second.samples)


@needs_sound
def test_changes_of_tempo_and_metre_after_the_last_note_are_not_waited_for() -> None:
    late = 10**7  # five days on: rendering up to there would run into the time limit
    piece = replace(chord(60), tempi=(Tempo(0, 120.0), Tempo(late, 30.0)), metres=(Metre(0, 4, 4), Metre(late, 3, 4)))
    assert synthesize(piece, tail_seconds=1.0).seconds == pytest.approx(1.5, abs=1e-4)


@needs_sound
@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_instrument_sounds(name: str) -> None:
    assert synthesize(chord(48, 60, 72), voices=voices_of(name)).peak > 0.02


@needs_sound
@pytest.mark.parametrize("name", ["string quartet", "wind quartet"])
def test_an_ensemble_plays_every_voice_of_a_chord(name: str) -> None:
    pitches = (50, 57, 66, 77)  # one in each register, none an overtone of another
    together = synthesize(chord(*pitches, duration=48), voices=voices_of(name))
    assert together.seconds == pytest.approx(1.0 + 2.0, abs=1e-4)
    assert not np.allclose(together.samples, synthesize(chord(*pitches, duration=48)).samples, atol=1e-3)
    for missing in pitches:
        without = synthesize(chord(*(set(pitches) - {missing}), duration=48), voices=voices_of(name))
        assert strength(together, missing) > 5 * strength(without, missing)


@needs_sound
@pytest.mark.parametrize("name", INSTRUMENTS)
def test_the_tail_is_long_enough_for_every_instrument_to_die_away(name: str) -> None:
    audio = synthesize(chord(48, 60, 67, 76, duration=48), voices=voices_of(name), tail_seconds=4.0)
    # The strings of a harp are not damped.
    assert level(audio, 1.0 + TAIL_SECONDS - 0.1, 1.0 + TAIL_SECONDS) - level(audio, 0.2, 1.0) < (-20 if name == "harp" else -60)


@needs_sound
def test_loud_thick_chords_do_not_clip_before_normalising() -> None:
    loud = synthesize(chord(*range(40, 60), duration=96, velocity=127))
    assert loud.peak > 1.0
    assert normalise([loud])[0].peak <= 10 ** (-1 / 20) + 1e-6


@needs_sound
def test_mix_of_two_renders_sounds_like_one_render_of_the_joined_piece() -> None:
    seed, continuation = chord(48, 55, duration=96), chord(60, 64, duration=96)
    both = mix(synthesize(seed), synthesize(continuation), 2.0)
    joined = synthesize(join(seed, continuation, 96))
    assert both.seconds == pytest.approx(joined.seconds, abs=1e-3)
    for start in np.arange(0.0, 5.0, 0.5):
        assert level(both, start, start + 0.5) == pytest.approx(level(joined, start, start + 0.5), abs=1.0)


@needs_sound
def test_an_ensemble_shares_out_seed_and_continuation_as_it_does_both_together() -> None:
    voices = voices_of("string quartet")
    seed, continuation = chord(48, 67, duration=96), chord(60, 76, duration=96)
    both = mix(synthesize(seed, voices=voices), synthesize(continuation, voices=voices), 2.0)
    joined = synthesize(join(seed, continuation, 96), voices=voices)
    for start in np.arange(0.0, 5.0, 0.5):
        assert level(both, start, start + 0.5) == pytest.approx(level(joined, start, start + 0.5), abs=1.0)


@needs_sound
def test_trio_has_three_sounds_of_one_gain() -> None:
    quiet, loud = chord(60, duration=96, velocity=40), chord(60, duration=96, velocity=100)
    trio = render_trio(quiet, loud, 96)
    assert list(trio) == ["seed", "continuation", "joined"]
    assert trio["joined"].seconds == pytest.approx(2.0 + 2.0 + 2.0, abs=1e-3)
    assert level(trio["continuation"], 0, 2) - level(trio["seed"], 0, 2) > 8.0
    assert level(trio["joined"], 0, 1) == pytest.approx(level(trio["seed"], 0, 1), abs=0.01)


@needs_sound
def test_damaged_soundfont_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.sf2").write_bytes(b"not a sound font")
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "broken.sf2"))
    with pytest.raises(MissingToolError, match=r"broken\.sf2"):
        synthesize(chord(60))


def test_options_come_before_the_files(fake: pytest.MonkeyPatch) -> None:
    fake.setenv("FAKE", "music")
    assert synthesize(chord(60)).seconds == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("short", r"rendered 0\.3 of 2\.5 seconds"),
        ("silence", "silence"),
        ("nothing", r"rendered 0\.0 of"),
        ("failure", "exit code 3"),
        ("complaint", "Failed to load the SoundFont"),
    ],
)
def test_a_render_that_is_not_the_music_is_an_error(fake: pytest.MonkeyPatch, behaviour: str, words: str) -> None:
    fake.setenv("FAKE", behaviour)
    with pytest.raises(MissingToolError, match=words):
        synthesize(chord(60))


def test_fluidsynth_that_hangs_is_stopped(fake: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from musiclstm.render.audio import CheckedFluidSynth

    fake.setenv("FAKE", "sleep")
    with pytest.raises(MissingToolError, match="did not finish within 0 seconds"):
        CheckedFluidSynth(str(tmp_path / "font.sf2")).midi_to_audio("a.mid", tmp_path / "a.raw", timeout=0.3)


def test_no_temporary_files_stay_behind(fake: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    fake.setattr("tempfile.tempdir", str(folder))
    fake.setenv("FAKE", "music")
    synthesize(chord(60))
    fake.setenv("FAKE", "failure")
    with pytest.raises(MissingToolError):
        synthesize(chord(60))
    assert list(folder.iterdir()) == []


def test_missing_fluidsynth_tells_what_to_install(fake: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake.setenv("PATH", str(tmp_path / "empty"))
    assert "install" in (audio_ready() or "")
    with pytest.raises(MissingToolError, match=r"FluidSynth.*install"):
        synthesize(chord(60))


def test_soundfont_variable_wins_and_must_name_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    font = tmp_path / "mine.sf2"
    font.write_bytes(b"RIFF")
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(font))
    assert find_soundfont() == font
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "gone.sf2"))
    with pytest.raises(MissingToolError, match=r"MUSICLSTM_SOUNDFONT.*gone\.sf2"):
        find_soundfont()


def test_a_soundfont_in_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOUNDFONT_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".fluidsynth").mkdir()
    (tmp_path / ".fluidsynth" / "MuseScore_General_Full.sf2").write_bytes(b"RIFF")
    assert find_soundfont() == tmp_path / ".fluidsynth" / "MuseScore_General_Full.sf2"


def test_the_best_soundfont_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOUNDFONT_VARIABLE, raising=False)
    monkeypatch.setattr("musiclstm.render.audio.soundfont_folders", lambda: [tmp_path])
    with pytest.raises(MissingToolError, match="sound font"):
        find_soundfont()
    for name in ("MuseScore_General_Lite.sf3", "default_sound_font.sf2", "FluidR3_GM.sf2", "MuseScore_General_Full.sf2"):
        (tmp_path / name).write_bytes(b"RIFF")  # from the last resort to the best
        assert find_soundfont() == tmp_path / name


def test_piece_without_notes_is_silence_as_long_as_the_tail() -> None:
    silence = synthesize(Piece(make_notes([], [], [], [])), tail_seconds=1.0)
    assert silence.seconds == 1.0
    assert silence.peak == 0.0


def test_the_softest_notes_may_make_no_sound() -> None:
    assert synthesize(Piece(make_notes([0], [60], [24], [1])), tail_seconds=1.0).seconds == 1.5


def test_mix_places_the_continuation_and_keeps_the_ringing_seed() -> None:
    both = mix(tone(3.0, 0.1), tone(2.0, 0.2), 2.0)
    assert both.seconds == 4.0
    assert level(both, 0.5, 1.5) == pytest.approx(-23.0, abs=0.1)
    assert level(both, 2.2, 2.8) == pytest.approx(20 * np.log10(0.3) - 3.0, abs=0.1)
    with pytest.raises(OptionError, match="not at -1"):
        mix(tone(1.0, 0.1), tone(1.0, 0.1), -1.0)


def test_normalise_reaches_minus_16_lufs() -> None:
    # By ITU-R BS.1770 a sine of 997 Hz in both channels has as many LUFS as its peak has dB below full scale.
    assert 20 * np.log10(normalise([tone(4.0, 0.01, frequency=997.0)])[0].peak) == pytest.approx(-16.0, abs=0.1)


def test_normalise_has_one_gain_for_all() -> None:
    soft, strong = normalise([tone(2.0, 0.01), tone(2.0, 0.02)])
    assert strong.peak / soft.peak == pytest.approx(2.0, rel=1e-4)


def test_normalise_ignores_pauses() -> None:
    rest = Audio(np.zeros((10 * SAMPLE_RATE, 2), dtype=np.float32))
    with_rest = normalise([mix(tone(4.0, 0.02), rest, 0.0)])[0]
    assert with_rest.peak == pytest.approx(normalise([tone(4.0, 0.02)])[0].peak, rel=0.05)


@pytest.mark.parametrize("seconds", [0.001, 0.1, 0.4])
def test_normalise_takes_very_short_and_very_quiet_sounds(seconds: float) -> None:
    quiet = normalise([tone(seconds, 2e-5)])[0]
    assert 0.01 < quiet.peak <= 10 ** (-1 / 20) + 1e-6


def test_normalise_keeps_peaks_below_the_ceiling() -> None:
    click = np.zeros((2 * SAMPLE_RATE, 2), dtype=np.float32)
    click[SAMPLE_RATE] = -0.5
    assert normalise([Audio(click), tone(2.0, 0.001)])[0].peak == pytest.approx(10 ** (-1 / 20), rel=1e-4)


def test_normalise_leaves_silence_alone() -> None:
    silence = Audio(np.zeros((100, 2), dtype=np.float32))
    assert normalise([silence])[0].peak == 0.0
    assert normalise([silence, tone(1.0, 0.1)])[0].peak == 0.0
    assert normalise([]) == []


def test_wav_is_16_bit_stereo_and_clips_what_is_too_loud(tmp_path: Path) -> None:
    audio = Audio(np.array([[0.5, -0.5], [2.0, -2.0]], dtype=np.float32))
    write_audio(audio, tmp_path / "a.wav")
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, SAMPLE_RATE)
        assert np.frombuffer(file.readframes(2), "<i2") == pytest.approx([16384, -16384, 32767, -32768], abs=1)


@pytest.mark.parametrize(("ending", "begins"), [(".flac", (b"fLaC",)), (".mp3", (b"ID3", b"\xff\xfb"))])
def test_compressed_files_are_small_and_hold_the_sound(tmp_path: Path, ending: str, begins: tuple[bytes, ...]) -> None:
    audio = tone(2.0, 0.3)
    path = tmp_path / f"a{ending}"
    write_audio(audio, path)
    assert path.read_bytes().startswith(begins)
    assert path.stat().st_size < audio.samples.nbytes / 4
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == SAMPLE_RATE
    assert level(Audio(samples), 0.5, 1.5) == pytest.approx(level(audio, 0.5, 1.5), abs=0.5)


def test_sound_that_can_not_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_audio(tone(0.5, 0.1), tmp_path / "nowhere" / "a.wav")


def test_samples_can_not_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        tone(0.1, 0.1).samples[0] = 1.0


def test_too_much_music_for_audio_is_refused() -> None:
    with pytest.raises(OptionError, match="30 minutes"):
        synthesize(chord(60, onset=24 * 2 * 60 * 40))
