"""Composers: who is meant by a name, and when they lived. A folder or file often names something else: a user, a genre."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

#: By era, surnames with given names by date of birth. Of several with one surname the first is meant unless a given name says
#: otherwise. Where an era ends is a convention; a composer stands where most of the known music belongs.
_KNOWN = {
    "renaissance": """
Josquin; Palestrina, Giovanni; Lassus, Orlande; Byrd, William; Gabrieli, Giovanni; Sweelinck, Jan; Dowland, John
""",
    "baroque": """
Titelouze, Jehan; Monteverdi, Claudio; Frescobaldi, Girolamo; Schütz, Heinrich; Scheidemann, Heinrich; Froberger, Johann; Lully,
Jean-Baptiste; Buxtehude, Dieterich; Corelli, Arcangelo; Pachelbel, Johann; Muffat, Gottlieb; Purcell, Henry; Couperin,
François; Couperin, Louis; Grigny, Nicolas; Albinoni, Tomaso; Vivaldi, Antonio; Telemann, Georg; Dandrieu, Jean-François;
Rameau, Jean-Philippe; Bach, Johann Sebastian; Scarlatti, Domenico; Scarlatti, Alessandro; Handel, George Frideric; Marcello,
Benedetto; Tartini, Giuseppe; Daquin, Louis-Claude; Petzold, Christian; Pergolesi, Giovanni
""",
    "classical": """
Bach, Carl Philipp Emanuel; Bach, Johann Christian; Bach, Wilhelm Friedemann; Gluck, Christoph; Soler, Antonio; Haydn, Joseph;
Haydn, Michael; Boccherini, Luigi; Cimarosa, Domenico; Clementi, Muzio; Mozart, Wolfgang Amadeus; Mozart, Leopold; Pleyel, Ignaz;
Dussek, Jan; Beethoven, Ludwig; Hummel, Johann; Diabelli, Anton; Ries, Ferdinand; Kuhlau, Friedrich
""",
    "romantic": """
Field, John; Paganini, Niccolò; Weber, Carl Maria; Czerny, Carl; Moscheles, Ignaz; Rossini, Gioachino; Schubert, Franz; Donizetti,
Gaetano; Bellini, Vincenzo; Berlioz, Hector; Glinka, Mikhail; Strauss, Johann; Strauss, Richard; Mendelssohn, Felix; Mendelssohn,
Fanny; Burgmüller, Friedrich; Chopin, Frédéric; Schumann, Robert; Schumann, Clara; Liszt, Franz; Thalberg, Sigismond; Alkan,
Charles-Valentin; Verdi, Giuseppe; Wagner, Richard; Heller, Stephen; Gade, Niels; Gounod, Charles; Offenbach, Jacques; Franck,
César; Smetana, Bedřich; Bruckner, Anton; Gottschalk, Louis; Borodin, Alexander; Brahms, Johannes; Saint-Saëns, Camille;
Balakirev, Mily; Bizet, Georges; Bruch, Max; Mussorgsky, Modest; Tchaikovsky, Pyotr; Dvořák, Antonín; Massenet, Jules; Sullivan,
Arthur; Grieg, Edvard; Rimsky-Korsakov, Nikolai; Gigout, Eugène; Widor, Charles-Marie; Fauré, Gabriel; Moszkowski, Moritz; Sousa,
John; Elgar, Edward; Chaminade, Cécile; Puccini, Giacomo; Albéniz, Isaac; MacDowell, Edward; Mahler, Gustav; Wolf, Hugo; Arensky,
Anton; Beach, Amy; Granados, Enrique; Godowsky, Leopold; Reger, Max; Rachmaninoff, Sergei
""",
    "modern": """
Janáček, Leoš; Debussy, Claude; Nielsen, Carl; Sibelius, Jean; Satie, Erik; Joplin, Scott; Scriabin, Alexander; Vaughan Williams,
Ralph; Schoenberg, Arnold; Holst, Gustav; Ives, Charles; Ravel, Maurice; Falla, Manuel; Glière, Reinhold; Medtner, Nikolai;
Respighi, Ottorino; Bartók, Béla; Kodály, Zoltán; Stravinsky, Igor; Webern, Anton; Berg, Alban; Szymanowski, Karol; Villa-Lobos,
Heitor; Prokofiev, Sergei; Hindemith, Paul; Gershwin, George; Poulenc, Francis; Copland, Aaron; Khachaturian, Aram; Kabalevsky,
Dmitry; Shostakovich, Dmitri; Messiaen, Olivier; Barber, Samuel; Britten, Benjamin; Ligeti, György
""",
}
#: From the earliest on.
ERAS = tuple(_KNOWN)
#: Other ways to write some of them in our letters.
_OTHER_SPELLINGS = {
    "rachmaninov": "rachmaninoff",
    "rakhmaninov": "rachmaninoff",
    "rakhmaninoff": "rachmaninoff",
    "rachmaninow": "rachmaninoff",
    "tschaikowsky": "tchaikovsky",
    "tschaikowski": "tchaikovsky",
    "chaikovsky": "tchaikovsky",
    "chaikovskij": "tchaikovsky",
    "tchaikovskij": "tchaikovsky",
    "tchaikovski": "tchaikovsky",
    "tchaikowsky": "tchaikovsky",
    "moussorgsky": "mussorgsky",
    "mussorgski": "mussorgsky",
    "skriabin": "scriabin",
    "skrjabin": "scriabin",
    "prokofieff": "prokofiev",
    "prokofjew": "prokofiev",
    "prokofjev": "prokofiev",
    "strawinsky": "stravinsky",
    "schostakowitsch": "shostakovich",
}


def known_composer(name: str) -> str:
    """The composer meant by a name such as "BeethovenLv", "J. S. Bach" or "schumann_clara"; "" if that is nobody we know.

    A surname stands for the best known of that name, the others have their full names.
    """
    return _known(name)[0]


def era_of(name: str) -> str:
    """The era, one of ``ERAS``, of the composer meant by a name; "" if that is nobody we know."""
    return _known(name)[1]


def _known(name: str) -> tuple[str, str]:
    """The composer meant by a name, and the era, both "" if that is nobody we know."""
    words = [_OTHER_SPELLINGS.get(word, word) for word in _words(name)]
    best, best_era, likeness = "", "", -1
    taken = set[str]()
    for era, surname, given, last_names, first_names in _entries():
        initials = "".join(word[0] for word in first_names)
        run_together = {initials + word for word in last_names} & set(words) if initials else set()
        if run_together or set(last_names) <= set(words) or "".join(last_names) in words:
            alike = len(set(first_names) & set(words)) + bool(run_together) + (initials in words) + _spelled(initials, words)
            if alike > likeness:
                best, best_era, likeness = f"{given} {surname}" if surname in taken else surname, era, alike
        taken.add(surname)
    return best, best_era


@cache
def _entries() -> tuple[tuple[str, str, str, list[str], list[str]], ...]:
    """Era, surname, given names, and the words of both for everybody known."""
    entries = ((era, entry.partition(", ")) for era, names in _KNOWN.items() for entry in " ".join(names.split()).split("; "))
    return tuple((era, surname, given, _words(surname), _words(given)) for era, (surname, _, given) in entries)


def _words(name: str) -> list[str]:
    """The words of a name in small plain letters, also of "BachJS"; an umlaut is like its vowel, with or without an e."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)
    return [re.sub("([aou])e", r"\1", word.lower()) for word in words]


def _spelled(initials: str, words: list[str]) -> bool:
    """Whether the initials stand there as single letters: J. S."""
    return bool(initials) and initials in "".join(word for word in words if len(word) == 1)
