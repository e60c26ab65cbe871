from __future__ import annotations

import pytest
from score_examples import CLARINET, onsets, rows

from musiclstm.errors import MusicFileError
from musiclstm.formats.read_musicxml import read_musicxml
from musiclstm.formats.written import piece_of
from musiclstm.music.notes import Key, Metre, Piece, Tempo, bar_lines


def note(name: str, quarters: float = 1, *more: str, voice: int = 1) -> str:
    """A note such as "C4" or "F#5" with further elements before its pitch, or a rest, "r"."""
    step, alter, octave = name[0], name.count("#") - name.count("b"), name[-1]
    sounding = f"<pitch><step>{step}</step><alter>{alter}</alter><octave>{octave}</octave></pitch>" if name != "r" else "<rest/>"
    ties = "".join(element for element in more if "tie" in element)
    before = "".join(element for element in more if "tie" not in element)
    return f"<note>{before}{sounding}<duration>{quarters * 24:g}</duration>{ties}<voice>{voice}</voice></note>"


def score(*parts: list[str], head: str = "") -> str:
    """A score whose parts are lists of the contents of their bars."""
    text = '<part id="P{}">{}</part>'
    bars = [[f'<measure number="{number}">{bar}</measure>' for number, bar in enumerate(part, 1)] for part in parts]
    return f"<score-partwise>{head}{''.join(text.format(n, ''.join(part)) for n, part in enumerate(bars))}</score-partwise>"


def attributes(*inside: str) -> str:
    return f"<attributes><divisions>24</divisions>{''.join(inside)}</attributes>"


def time(beats: object, unit: object) -> str:
    return f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time>"


def back(quarters: float) -> str:
    return f"<backup><duration>{quarters * 24:g}</duration></backup>"


def read(text: str) -> Piece:
    return piece_of(read_musicxml(text, "a.xml"), "a.xml")


FOUR = attributes(time(4, 4))


def test_a_transposing_instrument_is_read_at_sounding_pitch() -> None:
    piece = read(CLARINET)
    assert rows(piece) == [(72, 72, 24), (96, 76, 8), (104, 77, 8), (112, 79, 8), (120, 72, 120), (240, 71, 24), (240, 74, 24)]
    assert piece.key == Key(0, "major")
    assert piece.tempi == (Tempo(0, 132.0),)
    assert (piece.title, piece.composer) == ("a", "Carl Maria von Weber")


def test_a_player_may_change_to_an_instrument_in_another_key() -> None:
    def in_key(steps: int, semitones: int) -> str:
        return f"<transpose><diatonic>{steps}</diatonic><chromatic>{semitones}</chromatic></transpose>"

    key = "<key><fifths>-4</fifths><mode>major</mode></key>"
    piece = read(score([attributes(key, time(1, 4), in_key(-1, -2)) + note("Ab4"), attributes(in_key(-2, -3)) + note("C5")]))
    assert onsets(piece) == [(0, 66), (24, 69)]
    assert piece.key == Key(-6, "major")  # G flat, as written, not F sharp
    octave = "<transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    assert onsets(read(score([attributes(octave, time(1, 4)) + note("C4")]))) == [(0, 48)]


def test_a_score_by_bars_is_read_like_one_by_parts() -> None:
    text = "".join(
        f'<measure><part id="A">{FOUR}{note(high, 4)}</part><part id="B">{FOUR}{note(low, 4)}</part></measure>'
        for high, low in (("C5", "C3"), ("D5", "D3"))
    )
    assert onsets(read(f"<score-timewise>{text}</score-timewise>")) == [(0, 48), (0, 72), (96, 50), (96, 74)]


def test_grace_and_cue_notes_and_percussion_are_silent() -> None:
    grace = "<note><grace/><pitch><step>A</step><octave>4</octave></pitch></note>"
    drum = "<note><unpitched/><duration>24</duration></note>"
    piece = read(score([FOUR + grace + note("C4") + note("G6", 1, "<cue/>") + drum + note("D4")]))
    assert rows(piece) == [(0, 60, 24), (72, 62, 24)]


def test_voices_go_back_and_forward_within_a_bar() -> None:
    forward = "<forward><duration>24</duration></forward>"
    bar = FOUR + note("C5", 4) + back(4) + forward + note("C4", 3, voice=2)
    assert rows(read(score([bar, note("D5", 4)]))) == [(0, 72, 96), (24, 60, 72), (96, 74, 96)]


def test_the_notes_of_a_chord_begin_together() -> None:
    bar = FOUR + note("C4", 2) + note("E4", 2, "<chord/>") + note("G4", 1, "<chord/>") + note("D4", 2)
    assert rows(read(score([bar]))) == [(0, 60, 48), (0, 64, 48), (0, 67, 48), (48, 62, 48)]


def test_tied_notes_are_one_also_from_voice_to_voice() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    first = FOUR + note("C5", 4, start) + back(4) + note("C5", 4, start, voice=2)
    assert rows(read(score([first, note("C5", 2, stop) + note("C5", 2)]))) == [(0, 72, 144), (144, 72, 48)]
    notated = "<notations><tied type='{}'/></notations>"
    first = FOUR + note("C5", 4, notated.format("start"), voice=2)
    assert rows(read(score([first, note("C5", 4, notated.format("stop"))]))) == [(0, 72, 192)]
    two = score([FOUR + note("C5", 4, start), note("D5", 4)], [FOUR + note("r", 4), note("C5", 4)])
    assert rows(read(two)) == [(0, 72, 96), (96, 72, 96), (96, 74, 96)]


def test_an_upbeat_ends_a_complete_bar_and_a_bar_cut_by_a_repeat_stays_one() -> None:
    piece = read(score([attributes(time(3, 4)) + note("G4"), note("C5", 3), note("D5", 2), note("A4"), note("E5", 3)]))
    assert onsets(piece) == [(48, 67), (72, 72), (144, 74), (192, 69), (216, 76)]
    assert piece.metres == (Metre(0, 3, 4),)


def test_rounded_tuplets_do_not_shift_the_bars() -> None:
    septuplet = "".join(note("C4", 7 / 24) for _ in range(7))  # two quarters need 48 divisions, not 49
    piece = read(score([FOUR + septuplet + note("D4", 2), note("E4", 4)]))
    assert (onsets(piece)[-1], piece.metres) == ((96, 64), (Metre(0, 4, 4),))


def test_bars_without_a_time_signature_keep_their_written_length() -> None:
    piece = read(score([attributes() + note("C4", 3), note("D4", 3), note("E4", 2.5)]))
    assert bar_lines(piece).tolist() == [0, 72, 144, 204]
    free = attributes("<time><senza-misura/></time>")
    assert read(score([free + note("C4", 3), note("D4", 3)])).metres == (Metre(0, 3, 4),)


@pytest.mark.parametrize(("beats", "unit", "metre"), [("2+3", 8, (5, 8)), ("(3+2)", 8, (5, 8)), (6, 8, (6, 8))])
def test_a_metre_may_be_a_sum(beats: object, unit: int, metre: tuple[int, int]) -> None:
    assert read(score([attributes(time(beats, unit)) + note("C4", 3)])).metres == (Metre(0, *metre),)
    both = attributes("<time><beats>3</beats><beat-type>8</beat-type><beats>1</beats><beat-type>4</beat-type></time>")
    assert read(score([both + note("C4", 2.5)])).metres == (Metre(0, 5, 8),)


def test_parts_stay_together_although_a_rest_or_a_voice_has_a_wrong_length() -> None:
    two = attributes(time(2, 4))
    upper = [two + note("C5", 2), note("D5", 1.5), note("E5", 2), note("F5", 2)]
    lower = [two + note("r", 4), note("D3", 2), note("E3", 2.25), note("F3", 2)]
    piece = read(score(upper, lower))
    assert [onset for onset, _ in onsets(piece)] == [0, 48, 48, 96, 96, 144, 144]
    assert piece.metres == (Metre(0, 2, 4),)
    upbeat = read(score([FOUR + note("G4"), note("C5", 4)], [FOUR + note("r", 4), note("C3", 4)]))
    assert onsets(upbeat) == [(72, 67), (96, 48), (96, 72)]


@pytest.mark.parametrize(
    ("text", "unit", "qpm"),
    [
        ("76", "<beat-unit>quarter</beat-unit>", 76),
        ("c. 76", "<beat-unit>quarter</beat-unit>", 76),
        ("ca 76", "<beat-unit>quarter</beat-unit>", 76),
        ("72-80", "<beat-unit>quarter</beat-unit>", 76),
        ("72 \u2013 80", "<beat-unit>quarter</beat-unit>", 76),
        ("88.5", "<beat-unit>half</beat-unit>", 177),
        ("60", "<beat-unit>eighth</beat-unit><beat-unit-dot/>", 45),
        ("fast", "<beat-unit>quarter</beat-unit>", 100),
    ],
)
def test_a_metronome_mark_in_words_is_a_tempo(text: str, unit: str, qpm: float) -> None:
    mark = f"<direction><direction-type><metronome>{unit}<per-minute>{text}</per-minute></metronome></direction-type></direction>"
    assert read(score([FOUR + mark + note("C4", 4)])).tempi == (Tempo(0, qpm),)


def test_a_tempo_holds_from_where_it_stands_and_what_is_played_counts() -> None:
    sound = '<direction><direction-type><words>rit.</words></direction-type><sound tempo="{}"/></direction>'
    piece = read(score([FOUR + sound.format(90) + note("C4", 2) + sound.format("60.5") + note("D4", 2)]))
    assert piece.tempi == (Tempo(0, 90.0), Tempo(48, 60.5))


@pytest.mark.parametrize(
    ("mode", "key"),
    [
        ("<mode>major</mode>", Key(0, "major")),
        ("<mode>dorian</mode>", Key(0, "dorian")),
        ("<mode>aeolian</mode>", Key(0, "minor")),
        ("<mode>none</mode>", Key(0, "minor")),  # the notes decide
        ("", Key(0, "minor")),
    ],
)
def test_the_mode_is_the_one_that_is_named_or_the_one_that_fits(mode: str, key: Key) -> None:
    piece = read(score([attributes(f"<key><fifths>0</fifths>{mode}</key>", time(4, 4)) + note("A3", 3) + note("E4")]))
    assert piece.key == key


def test_names_are_those_of_the_work_or_else_of_the_movement() -> None:
    head = "<movement-title>II</movement-title><identification><creator type='composer'>A. B.</creator></identification>"
    assert read(score([FOUR + note("C4", 4)], head="<work><work-title>Suite</work-title></work>" + head)).title == "Suite"
    piece = read(score([FOUR + note("C4", 4)], head=head))
    assert (piece.title, piece.composer) == ("II", "A. B.")


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha">' + "".join(f'<!ENTITY a{n} "{"&a;" * 10}">' for n in range(9)) + "]>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS + score([FOUR + note("C4")]), "defines entities of its own"),
        ('<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + score([FOUR + note("C4")], head="&a;"), "defines entities"),
        (score([FOUR + note("C4")], head="&nbsp;"), "can't be read as MusicXML"),
        (score([FOUR + note("H4")]), "can't be read as MusicXML"),
        (score([FOUR + note("C4").replace("24", "much")]), "can't be read as MusicXML"),
        (score([FOUR + note("C4").replace("24", "1e999999999")]), "can't be read as MusicXML"),
        (score([attributes(time("1e9", 4)) + note("C4")]), "can't be read as MusicXML"),
        ("<score-partwise/>", "has no notes"),
        ("<a>" * 100_000, "can't be read as MusicXML"),
    ],
)
def test_unsafe_and_broken_documents_are_refused(text: str, message: str) -> None:
    with pytest.raises(MusicFileError, match=f"a.xml {message}"):
        read(text)


def test_namespaces_and_space_before_the_document_do_not_matter() -> None:
    text = score([FOUR + note("C4", 4)])
    named = text.replace("<", "<m:").replace("<m:/", "</m:").replace("<m:score-partwise", '<m:score-partwise xmlns:m="urn:x"')
    for other in ("\n " + text, named, text.replace("<score-partwise", '<score-partwise xmlns="urn:x"')):
        assert rows(read(other)) == [(0, 60, 96)]


def test_a_part_without_divisions_counts_like_the_others() -> None:
    assert rows(read(score([FOUR + note("C4", 4)], [note("E4", 4)]))) == [(0, 60, 96), (0, 64, 96)]


def test_a_tempo_that_is_no_number_is_passed_over() -> None:
    for text in ("", "fast", "nan"):
        assert read(score([FOUR + f'<sound tempo="{text}"/>' + note("C4", 4)])).tempi == (Tempo(0, 100.0),)


def test_a_tie_may_go_on() -> None:
    bars = [note("C4", 4) for _ in range(3)]
    kinds = ("start", "continue", "stop")
    tied = [
        bar.replace("<voice>", f'<notations><tied type="{kind}"/></notations><voice>')
        for bar, kind in zip(bars, kinds, strict=True)
    ]
    assert rows(read(score([FOUR + tied[0], *tied[1:]]))) == [(0, 60, 288)]


def test_a_rest_longer_than_the_bar_ends_with_it() -> None:
    assert rows(read(score([attributes(time(3, 4)) + note("r", 4), note("C4", 3)]))) == [(72, 60, 72)]


def test_a_document_type_is_no_obstacle() -> None:
    doctype = '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" "http://nowhere.invalid/a.dtd">'
    assert len(read(doctype + score([FOUR + note("C4")]))) == 1


def test_a_note_keeps_its_staff_in_one_part_of_two_staves_and_in_two_parts() -> None:
    def on(staff: int) -> str:
        return f"<staff>{staff}</staff>"

    upper, lower = note("C4", 1).replace("</note>", on(1) + "</note>"), note("E4", 1).replace("</note>", on(2) + "</note>")
    piano = read(score([attributes(time(1, 4)) + upper + back(1) + lower]))
    assert piano.staves.letters(piano.notes) == "ul"  # hands that cross
    parts = read(score([attributes(time(1, 4)) + note("C4", 1)], [attributes() + note("E4", 1)]))
    assert parts.staves.letters(parts.notes) == "ul"
    assert not read(score([attributes(time(1, 4)) + note("C4", 1) + back(1) + note("E4", 1)])).staves
