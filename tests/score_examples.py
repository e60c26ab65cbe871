"""Small scores that several tests read, and what they look at in a piece."""

from __future__ import annotations

from musiclstm.music.notes import Piece

# Christian Petzold (1677-1733), Minuet in G from the notebook for Anna Magdalena Bach, BWV Anh. 114: the first eight bars.
MINUET = """X:1
T:Minuet in G
C:Petzold, Christian (1677-1733)
M:3/4
L:1/8
Q:1/4=110
K:G
V:1
d2 GABc|d2 G2 G2|e2 cdef|g2 G2 G2|c2 dcBA|B2 cBAG|F2 GABG|A6|
V:2
[G,B,D]4 A,2|B,6|C6|B,6|A,6|G,6|D2 B,2 G,2|D2 D,CB,A,|
"""

CLARINET = """<?xml version="1.0"?><score-partwise version="3.1">
<movement-title>clarinet.musicxml</movement-title>
<identification><creator type="composer">Weber, Carl Maria von (1786-1826)</creator></identification>
<part-list><score-part id="P1"><part-name>Clarinet in Bb</part-name></score-part>
<score-part id="P2"><part-name>Drums</part-name></score-part></part-list>
<part id="P1">
<measure number="0" implicit="yes"><attributes><divisions>6</divisions><key><fifths>2</fifths><mode>major</mode></key>
<time><beats>4</beats><beat-type>4</beat-type></time><transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose></attributes>
<direction><direction-type><words>Allegro</words></direction-type><sound tempo="132"/></direction>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>6</duration><type>quarter</type></note></measure>
<measure number="1">
<note><grace/><pitch><step>B</step><octave>5</octave></pitch><type>eighth</type></note>
<note><pitch><step>F</step><alter>1</alter><octave>5</octave></pitch><duration>2</duration></note>
<note><pitch><step>G</step><octave>5</octave></pitch><duration>2</duration></note>
<note><pitch><step>A</step><octave>5</octave></pitch><duration>2</duration></note>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>18</duration><tie type="start"/></note></measure>
<measure number="2"><note><pitch><step>D</step><octave>5</octave></pitch><duration>12</duration><tie type="stop"/></note>
<note><pitch><step>E</step><octave>5</octave></pitch><duration>6</duration></note>
<note><chord/><pitch><step>C</step><alter>1</alter><octave>5</octave></pitch><duration>6</duration></note></measure>
</part>
<part id="P2"><measure number="0" implicit="yes"><attributes><divisions>6</divisions></attributes>
<note><unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched><duration>6</duration></note></measure>
<measure number="1"><note><rest/><duration>24</duration></note></measure>
<measure number="2"><note><rest/><duration>18</duration></note></measure></part></score-partwise>"""

KERN = """**kern\t**kern
*clefF4\t*clefG2
*k[b-]\t*k[b-]
*F:\t*F:
*M3/8\t*M3/8
=1\t=1
4.F\t8a
.\t[8cc
.\t8cc]
=2\t=2
4.C\t4.e
==\t==
*-\t*-
"""


def onsets(piece: Piece) -> list[tuple[int, int]]:
    """Onset and pitch of each note."""
    return [(onset, pitch) for onset, pitch, _, _ in piece.notes.tolist()]


def rows(piece: Piece) -> list[tuple[int, int, int]]:
    """Onset, pitch and duration of each note."""
    return [(onset, pitch, duration) for onset, pitch, duration, _ in piece.notes.tolist()]
