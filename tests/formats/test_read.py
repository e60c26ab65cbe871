from __future__ import annotations

from pathlib import Path

import pytest

from musiclstm.errors import MusicFileError
from musiclstm.formats.midi import write_midi
from musiclstm.formats.musicxml import write_musicxml
from musiclstm.formats.read import read_music
from musiclstm.music.notes import Piece


def test_midi_and_scores_are_read_by_one_function(tunes: dict[str, Piece], tmp_path: Path) -> None:
    write_midi(tunes["jig"], tmp_path / "jig.MID")
    write_musicxml(tunes["jig"], tmp_path / "jig.musicxml")
    pitches = sorted(tunes["jig"].notes["pitch"].tolist())
    assert sorted(read_music(tmp_path / "jig.MID").notes["pitch"].tolist()) == pitches
    assert sorted(read_music(tmp_path / "jig.musicxml").notes["pitch"].tolist()) == pitches


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(b"ID3")
    with pytest.raises(MusicFileError, match=r"song\.mp3 is not a music file"):
        read_music(tmp_path / "song.mp3")


@pytest.mark.parametrize("ending", [".mid", ".midi", ".kar", ".rmi", ".RMI"])
def test_midi_has_four_endings(ending: str, tunes: dict[str, Piece], tmp_path: Path) -> None:
    write_midi(tunes["jig"], tmp_path / f"jig{ending}")
    assert len(read_music(tmp_path / f"jig{ending}")) == len(tunes["jig"])
