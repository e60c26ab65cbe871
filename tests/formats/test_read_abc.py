from __future__ import annotations

import pytest
from score_examples import onsets, rows

from musiclstm.errors import MusicFileError
from musiclstm.formats.read_abc import read_abc
from musiclstm.formats.written import piece_of
from musiclstm.music.notes import Key, Metre, Piece, Tempo, bar_lines

# Joseph Haydn (1732-1809), Symphony No. 94, second movement: after the theme, with pickup, tie, grace note and chord symbols.
PICKUP = """X:1
M:2/4
L:1/8
K:C
G2|"C"CCEE|G2 {f}E2-|E2 [DF]2|"G7"DDB,B,|G2|]
"""
HEAD = "X:1\nT:A made-up tune\nM:4/4\nL:1/4\n"


def read(text: str) -> Piece:
    return piece_of(read_abc(text, "a.abc"), "a.abc")


def pitches(body: str, key: str = "C", head: str = HEAD) -> list[int]:
    """The pitches of a tune in the order of their onsets."""
    return [pitch for _, pitch in onsets(read(f"{head}K:{key}\n{body}\n"))]


def test_a_pickup_ends_the_first_bar() -> None:
    piece = read(PICKUP)
    assert onsets(piece)[:3] == [(24, 67), (48, 60), (60, 60)]
    assert bar_lines(piece).tolist() == [0, 48, 96, 144, 192, 240, 288]
    assert piece.tempi == (Tempo(0, 100.0),)


def test_ties_join_notes_and_grace_notes_and_chord_symbols_are_left_out() -> None:
    found = rows(read(PICKUP))
    assert (120, 64, 48) in found  # E, tied over the bar line
    assert [row for row in found if row[0] == 168] == [(168, 62, 24), (168, 65, 24)]
    assert {pitch for _, pitch, _ in found} == {59, 60, 62, 64, 65, 67}


def test_an_accidental_holds_to_the_end_of_its_bar_and_over_a_tie() -> None:
    assert pitches("^F G F G | F ^G- | G =G |") == [66, 67, 66, 67, 65, 68, 67]


def test_an_accidental_reaches_as_far_as_the_standard_or_the_file_says() -> None:
    assert pitches("^FFff|") == [66, 66, 78, 78]
    assert pitches("^FFff|", head="%%propagate-accidentals octave\n" + HEAD)[2:] == [77, 77]
    assert pitches("^FFff|", head=HEAD + "I:propagate-accidentals not\n") == [66, 65, 77, 77]
    assert pitches("^FFff|", head=HEAD + "I:linebreak $\n")[2:] == [77, 77]  # xml2abc's files
    assert pitches("^FGFF") == [66, 67, 65, 65]  # no bars at all


@pytest.mark.parametrize("change", ["[K:D][M:3/4][L:1/8]", "\nK:D\nM:3/4\nL:1/8\n"])
def test_key_metre_and_unit_length_may_change_within_a_tune(change: str) -> None:
    piece = read(HEAD + f"K:C\nCDEF|{change}F2C2D2|E6|")
    assert onsets(piece)[4:] == [(96, 66), (120, 61), (144, 62), (168, 64)]
    assert piece.metres == (Metre(0, 4, 4), Metre(96, 3, 4))


def test_voices_go_on_where_they_left_off_and_may_have_lengths_of_their_own() -> None:
    piece = read(HEAD + 'V:1 name="R.H."\nV:2 bass\nK:C\n[V:1] CDEF | G4 |\n[V:2] C,4 |\nL:1/8\nE,8 |\n[V:1] c4 | \nV:2\nG,8 |\n')
    upper = [(0, 60), (24, 62), (48, 64), (72, 65), (96, 67), (192, 72)]
    assert onsets(piece) == sorted([*upper, (0, 48), (96, 52), (192, 55)])


def test_overlays_rests_and_spacers_take_their_time() -> None:
    piece = read(HEAD + "K:C\nC2 D2 & E4 | Z2 | x2 y2 F z |\n")
    assert rows(piece) == [(0, 60, 48), (0, 64, 96), (48, 62, 48), (336, 65, 24)]


def test_voices_of_percussion_are_left_out() -> None:
    piece = read(HEAD + "V:1\nV:2 clef=perc\nK:C\n[V:1] CDEF |\n[V:2] B2B2 |\nV:2\nBBBB |\nV:1\nG4 |\n")
    assert onsets(piece) == [(0, 60), (24, 62), (48, 64), (72, 65), (96, 67)]


def test_tuplets_dotted_pairs_and_chords() -> None:
    assert rows(read(HEAD + "K:C\n(3CDE F>G | (5:4:5C/D/E/F/G/ [CE]2- [CE] |"))[:5] == [
        (0, 60, 16), (16, 62, 16), (32, 64, 16), (48, 65, 36), (84, 67, 12),
    ]  # fmt: skip
    found = rows(read(HEAD + "K:C\n(3CDE F>G | (5:4:5C/D/E/F/G/ [CE]2 [CE] |"))[5:]
    assert [row[0] - 96 for row in found] == [0, 10, 19, 29, 38, 48, 48, 96, 96]


def test_a_length_after_a_chord_multiplies_the_lengths_within() -> None:
    piece = read(HEAD + "K:C\n[C2E2]2|[C/E/]4 [C2E2]/ [C2E]//|[CE]>[DF] (3[C2E2]/[D2F2]/[E2G2]/|")
    assert [duration for _, pitch, duration in rows(piece) if pitch == 60] == [96, 48, 24, 12, 36, 16]


def test_repeats_and_endings_are_not_played() -> None:
    assert pitches("|: CDEF |1 G4 :|2 A4 |] B4 :: c4 |[1 d4 :|[2 e4 |] f4 :|") == [60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77]
    assert pitches("A:|\nB::\nc4|") == [69, 71, 72]  # no fields, though they begin with a letter and a colon
    assert pitches('C4 ||["Coda" D4 |]') == [60, 62]


def test_what_only_decorates_leaves_lengths_and_pitches_alone() -> None:
    plain = rows(read(HEAD + "K:C\nCDEF | GABc |"))
    ornate = read(
        HEAD + 'R:hornpipe\nU:W=!trill!\nK:C\n.C ~D !fermata!E +accent+F$ | "Am"("^so"vG TA) HuB{ab}`c \\\nw:la-la % 1911\n|'
    )
    assert rows(ornate) == plain


def test_words_pictures_and_remarks_are_not_music() -> None:
    body = "%%begintext\nA bad cage, 1911\n%%endtext\nCDE[r:a 1234 b]F | %%text cab 1911\n%%text bead\n"
    body += "w:a b c d\n+:e f\nW:deaf\nGABc|"
    assert pitches(body) == [60, 62, 64, 65, 67, 69, 71, 72]


def test_a_key_within_the_tune_replaces_the_one_before_but_a_clef_does_not() -> None:
    assert pitches("F[K:none]F[K:D exp _b]FB|\nK:\nB4|", "D") == [66, 65, 65, 70, 71]
    assert pitches("F[K:clef=bass]F|\nK:bass\nF4|", "D") == [66, 66, 66]


def test_a_bar_cut_by_a_double_bar_is_no_upbeat() -> None:
    assert onsets(read(HEAD + "K:C\nCD||EF|GABc|"))[:3] == [(0, 60), (24, 62), (48, 64)]


def test_a_far_too_long_tune_is_refused_and_a_large_collection_is_not() -> None:
    with pytest.raises(MusicFileError, match="letters"):
        read(HEAD + "K:C\n" + "CDEF|" * 250_000)
    assert len(read((HEAD + "K:C\nCDEF|\n\n") * 80_000)) == 4


def test_tunes_need_no_number() -> None:
    assert onsets(read("\nA cage, a bed\n\nT:Tune\nM:4/4\nL:1/4\nK:C\nCDEF|\n"))[0] == (0, 60)


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Tune % 1911", "Tune"),
        ("100\\% Wool", "100% Wool"),
        (r"Pr\'elude f\"ur \cCa", "Prélude für Ça"),
        (r"\u00c9tude \ss\ae\/o", "Étude ßæø"),
        (r"A\ud800B", "Ad\u0306800B"),
        ("\nT:Second", "Second"),
    ],
)
def test_titles_have_no_comments_and_all_letters(written: str, title: str) -> None:
    assert read(f"X:1\nT:{written}\nM:4/4\nL:1/4\nK:C\nCDEF|").title == title


@pytest.mark.parametrize(
    ("text", "octaves"),
    [("C octave=-1", -1), ("C clef=treble-8", -1), ("C treble+8", 1), ("C bass", 0), ("octave=-1", -1), ("none", 0), ("", 0)],
)
def test_clefs_and_octaves_move_what_sounds(text: str, octaves: int) -> None:
    assert pitches("CDEF|", text) == [12 * octaves + pitch for pitch in (60, 62, 64, 65)]


@pytest.mark.parametrize(
    ("text", "key", "scale"),
    [
        ("Ador", Key(1, "dorian"), [60, 66]),
        ("G Mixolydian", Key(0, "mixolydian"), [60, 65]),
        ("E phrygian", Key(0, "phrygian"), [60, 65]),
        ("F# minor", Key(3, "minor"), [61, 66]),
        ("Bbm", Key(-5, "minor"), [60, 65]),
        ("Gb", Key(-6, "major"), [59, 65]),
        ("HP", Key(2, "mixolydian"), [61, 66]),
        ("D exp ^f", Key(1, "minor"), [60, 66]),  # one sharp; the notes decide on E minor
        ("none", Key(0, "minor"), [60, 65]),
    ],
)
def test_keys_and_modes(text: str, key: Key, scale: list[int]) -> None:
    piece = read(f"{HEAD}K:{text}\nC2F2|A4|E4|{'A4' if 'none' in text else 'E4'}|")
    assert (piece.key, [pitch for _, pitch in onsets(piece)[:2]]) == (key, scale)


@pytest.mark.parametrize(
    ("text", "qpm"),
    [
        ("1/4=90", 90), ("3/8=60", 90), ("1/8 3/8=45", 90), ("C=180", 90), ("C3=60", 90), ("180", 90), ('"Allegro" 1/4 = 90', 90),
        ("1/4=c. 90", 90), ("1/4=85-95", 90), ("1/4=90.5", 90.5), ('"Allegro"', 100), ("Allegro", 100), ("1/4=0", 100),
    ],
)  # fmt: skip
def test_tempi(text: str, qpm: float) -> None:
    assert read(f"X:1\nM:4/4\nL:1/8\nQ:{text}\nK:C\nC8|").tempi == (Tempo(0, qpm),)


def test_a_tempo_within_the_tune_holds_from_the_start_if_it_is_the_only_one() -> None:
    assert read(HEAD + "K:C\nCDEF|\nQ:1/4=52\nGABc|").tempi == (Tempo(0, 52.0),)
    assert read(HEAD + "Q:1/4=60\nK:C\nCDEF|[Q:1/4=52]GABc|").tempi == (Tempo(0, 60.0), Tempo(96, 52.0))


@pytest.mark.parametrize(("text", "metre"), [("C", (4, 4)), ("C|", (2, 2)), ("6/8", (6, 8)), ("none", (3, 4)), ("", (3, 4))])
def test_metres_and_bars_without_one(text: str, metre: tuple[int, int]) -> None:
    assert read(f"X:1\nM:{text}\nL:1/4\nK:C\nCDE|FGA|").metres == (Metre(0, *metre),)
    assert read("X:1\nM:(2+3)/8\nL:1/8\nK:C\nCDEFG|EDCDC|").metres == (Metre(0, 5, 8),)


def test_names_may_be_given_once_for_a_whole_book() -> None:
    piece = read("C:Haydn, Joseph\nM:3/4\nL:1/8\n\nFree text of 1911.\n\nX:1\nT:Caf&eacute;\nM:2/4\nK:C\nCDEF|\n")
    assert (piece.title, piece.composer, piece.metres) == ("Café", "Joseph Haydn", (Metre(0, 2, 4),))
    assert piece.end == 48
    assert read("X:1\nT:Bag of Meal, The\nK:C\nC|").title == "The Bag of Meal"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(end: str) -> None:
    assert len(read((HEAD + "K:C\nCDEF|\nGABc|\n").replace("\n", end))) == 8


@pytest.mark.parametrize(
    "body",
    [
        "[V:a" * 25_000, "[r:" * 33_000, '"' * 100_001, "{" * 100_000, "!" * 100_000, "+" * 100_001, ":" * 100_000, "(3" * 50_000,
        "|:" * 50_000, "&" * 100_000, "[" * 100_000, "C" * 100_000, "C/" * 50_000, "C>" * 50_000, "Z99|" * 25_000,
        "\\\n" * 50_000,
    ],
)  # fmt: skip
def test_100000_odd_characters_are_read_or_refused_at_once(body: str) -> None:
    try:
        assert len(read(HEAD + "K:C\n" + body + "\nC|")) >= 1
    except MusicFileError as refusal:
        assert len(str(refusal)) < 200


@pytest.mark.parametrize(
    "field", ["K:" + "C" * 100_000, "V:" + "a=" * 50_000, "T:" + "((1" * 33_000, "C:" + "(1" * 50_000, "X:1" + "\nX:1" * 25_000]
)
def test_long_fields_are_read_at_once(field: str) -> None:
    assert len(read(f"X:1\n{field}\nK:C\nCDEF|")) == 4


def test_nothing_in_a_tune_reaches_another_file() -> None:
    body = "%%abc-include /etc/passwd\nI:abc-include /etc/passwd\n%%MIDI ptstress /etc/passwd\n"
    body += "[I:MIDI program 9]CDEF|\n%%MIDI drumon\nGABc|"
    assert rows(read(f"{HEAD}%%MIDI fermatafixed\nK:C\n{body}\n")) == rows(read(f"{HEAD}K:C\nCDEF|GABc|\n"))


VOICES = "V:1\nc4|\nV:2\nE4|\nV:3\nC4|\n"


@pytest.mark.parametrize(
    ("directive", "letters"),
    [
        ("%%score {(1 2) | 3}\n", "luu"),
        ("%%staves [1 (2 3)]\n", "llu"),
        ("%%score 1 | 3\n", "l-u"),
        ("", ""),
    ],
)
def test_a_directive_says_which_voices_share_a_staff(directive: str, letters: str) -> None:
    piece = read(f"{HEAD}{directive}K:C\n{VOICES}")
    assert piece.staves.letters(piece.notes) == letters


def test_two_voices_are_two_staves() -> None:
    piece = read(f"{HEAD}K:C\n[V:1] E4|\n[V:2] c4|\n")
    assert piece.staves.letters(piece.notes) == "ul"
