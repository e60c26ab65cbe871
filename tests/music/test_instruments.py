from __future__ import annotations

import numpy as np
import pytest

from musiclstm.errors import OptionError
from musiclstm.music.instruments import INSTRUMENTS, PIANO, Voice, share_out, voices_of

PITCHES = np.arange(21, 109)  # the piano's keys


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_registers_rise_and_cover_the_whole_piano(name: str) -> None:
    voices = INSTRUMENTS[name]
    lowest = [voice.lowest for voice in voices]
    assert lowest[0] == 0
    assert lowest == sorted(set(lowest))
    assert set(share_out(PITCHES, voices).tolist()) == set(range(len(voices)))


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_note_goes_to_the_one_voice_whose_register_contains_it(name: str) -> None:
    voices = INSTRUMENTS[name]
    borders = [*(voice.lowest for voice in voices), 128]
    for pitch, player in zip(PITCHES.tolist(), share_out(PITCHES, voices).tolist(), strict=True):
        assert [n for n in range(len(voices)) if borders[n] <= pitch < borders[n + 1]] == [player]


def test_a_border_belongs_to_the_voice_above_it() -> None:
    assert share_out([54, 55, 63, 64, 71, 72], voices_of("string quartet")).tolist() == [0, 1, 1, 2, 2, 3]
    assert share_out([], voices_of("string quartet")).tolist() == []


def test_the_voices_of_an_ensemble_have_different_names() -> None:
    for voices in INSTRUMENTS.values():
        assert len({voice.name for voice in voices}) == len(voices)


def test_names_are_forgiving_and_wrong_ones_list_the_right_ones() -> None:
    assert voices_of("Music_Box") == voices_of("music box") == (Voice("Piano", 10),)
    assert [voice.program for voice in voices_of(" STRING-quartet ")] == [42, 41, 40, 40]
    assert voices_of("piano") == PIANO
    with pytest.raises(OptionError, match=r"piano, harpsichord, .*string quartet, wind quartet, not 'kazoo'"):
        voices_of("kazoo")


def test_a_program_outside_general_midi_is_refused() -> None:
    for program in (-1, 128):
        with pytest.raises(OptionError, match=f"program must lie between 0 and 127, not {program}"):
            Voice("Kazoo", program)
    with pytest.raises(OptionError, match="pitch must lie between 0 and 127, not 128"):
        Voice("Kazoo", 0, 128)


@pytest.mark.parametrize("lowest", [[], [21], [0, 60, 60], [0, 72, 60], list(range(16))])
def test_registers_that_leave_notes_out_or_overlap_are_refused(lowest: list[int]) -> None:
    with pytest.raises(OptionError, match="begin at rising pitches"):
        share_out([60], [Voice("Somebody", 0, pitch) for pitch in lowest])


def test_the_list_of_instruments_is_read_only() -> None:
    with pytest.raises(TypeError):
        INSTRUMENTS["kazoo"] = PIANO  # type: ignore[index]
