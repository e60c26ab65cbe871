from __future__ import annotations

import pytest

from musiclstm.music.composers import ERAS, era_of, known_composer


@pytest.mark.parametrize(
    ("name", "composer"),
    [
        ("bach", "Bach"),
        ("BachJS", "Bach"),
        ("Johann Sebastian Bach", "Bach"),
        ("J. S. Bach (1685-1750)", "Bach"),
        ("cpebach", "Carl Philipp Emanuel Bach"),
        ("C.P.E. Bach", "Carl Philipp Emanuel Bach"),
        ("BeethovenLv", "Beethoven"),
        ("Ludwig van Beethoven", "Beethoven"),
        ("schumann_clara", "Clara Schumann"),
        ("schumann_robert", "Schumann"),
        ("Mendelssohn-Bartholdy", "Mendelssohn"),
        ("Burgmueller", "Burgmüller"),
        ("Händel", "Handel"),
        ("Dvorak, Antonin", "Dvořák"),
        ("Rachmaninov", "Rachmaninoff"),
        ("Tchaikovskij", "Tchaikovsky"),
        ("villalobos", "Villa-Lobos"),
        ("Macdowell", "MacDowell"),
        ("Rimsky-Korsakov", "Rimsky-Korsakov"),
        ("R. Vaughan Williams", "Vaughan Williams"),
    ],
)
def test_a_composer_is_known_under_many_names(name: str, composer: str) -> None:
    assert known_composer(name) == composer


@pytest.mark.parametrize(
    "name", ["", "leadSheet", "Leadsheet", "ryansMammoth", "trecento", "anna", "Traditional", "John Williams", "夜"]
)
def test_other_names_are_nobody_known(name: str) -> None:
    assert known_composer(name) == ""


@pytest.mark.parametrize(
    ("name", "era"),
    [
        ("J. S. Bach", "baroque"),
        ("C.P.E. Bach", "classical"),
        ("Palestrina", "renaissance"),
        ("BeethovenLv", "classical"),
        ("Schubert", "romantic"),
        ("schumann_clara", "romantic"),
        ("Claude Debussy", "modern"),
        ("Traditional", ""),
    ],
)
def test_a_known_composer_has_an_era(name: str, era: str) -> None:
    assert era_of(name) == era
    assert era in ("", *ERAS)
