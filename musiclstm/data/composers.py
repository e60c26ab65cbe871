"""Composers whose names a network may learn. A folder or file often names something else: a user, a genre, a collection."""

from __future__ import annotations

import re
import unicodedata

#: Surnames with given names, by date of birth. Of several with one surname the first is meant unless a given name says otherwise.
_KNOWN = """
Josquin; Palestrina, Giovanni; Lassus, Orlande; Byrd, William; Gabrieli, Giovanni; Sweelinck, Jan; Dowland, John; Titelouze,
Jehan; Monteverdi, Claudio; Frescobaldi, Girolamo; Schütz, Heinrich; Scheidemann, Heinrich; Froberger, Johann; Lully,
Jean-Baptiste; Buxtehude, Dieterich; Corelli, Arcangelo; Pachelbel, Johann; Muffat, Gottlieb; Purcell, Henry; Couperin,
François; Couperin, Louis; Grigny, Nicolas; Albinoni, Tomaso; Vivaldi, Antonio; Telemann, Georg; Dandrieu, Jean-François;
Rameau, Jean-Philippe; Bach, Johann Sebastian; Bach, Carl Philipp Emanuel; Bach, Johann Christian; Bach, Wilhelm Friedemann;
Scarlatti, Domenico; Scarlatti, Alessandro; Handel, George Frideric; Marcello, Benedetto; Tartini, Giuseppe; Daquin,
Louis-Claude; Petzold, Christian; Pergolesi, Giovanni; Gluck, Christoph; Soler, Antonio; Haydn, Joseph; Haydn, Michael;
Boccherini, Luigi; Cimarosa, Domenico; Clementi, Muzio; Mozart, Wolfgang Amadeus; Mozart, Leopold; Pleyel, Ignaz; Dussek, Jan;
Beethoven, Ludwig; Hummel, Johann; Diabelli, Anton; Field, John; Paganini, Niccolò; Ries, Ferdinand; Kuhlau, Friedrich; Weber,
Carl Maria; Czerny, Carl; Moscheles, Ignaz; Rossini, Gioachino; Schubert, Franz; Donizetti, Gaetano; Bellini, Vincenzo;
Berlioz, Hector; Glinka, Mikhail; Strauss, Johann; Strauss, Richard; Mendelssohn, Felix; Mendelssohn, Fanny; Burgmüller,
Friedrich; Chopin, Frédéric; Schumann, Robert; Schumann, Clara; Liszt, Franz; Thalberg, Sigismond; Alkan, Charles-Valentin;
Verdi, Giuseppe; Wagner, Richard; Heller, Stephen; Gade, Niels; Gounod, Charles; Offenbach, Jacques; Franck, César; Smetana,
Bedřich; Bruckner, Anton; Gottschalk, Louis; Borodin, Alexander; Brahms, Johannes; Saint-Saëns, Camille; Balakirev, Mily;
Bizet, Georges; Bruch, Max; Mussorgsky, Modest; Tchaikovsky, Pyotr; Dvořák, Antonín; Massenet, Jules; Sullivan, Arthur; Grieg,
Edvard; Rimsky-Korsakov, Nikolai; Gigout, Eugène; Widor, Charles-Marie; Fauré, Gabriel; Moszkowski, Moritz; Sousa, John;
Janáček, Leoš; Elgar, Edward; Chaminade, Cécile; Puccini, Giacomo; Albéniz, Isaac; MacDowell, Edward; Mahler, Gustav; Wolf,
Hugo; Debussy, Claude; Arensky, Anton; Nielsen, Carl; Sibelius, Jean; Satie, Erik; Beach, Amy; Granados, Enrique; Joplin,
Scott; Godowsky, Leopold; Scriabin, Alexander; Vaughan Williams, Ralph; Reger, Max; Rachmaninoff, Sergei; Schoenberg, Arnold;
Holst, Gustav; Ives, Charles; Ravel, Maurice; Falla, Manuel; Glière, Reinhold; Medtner, Nikolai; Respighi, Ottorino; Bartók,
Béla; Kodály, Zoltán; Stravinsky, Igor; Webern, Anton; Berg, Alban; Szymanowski, Karol; Villa-Lobos, Heitor; Prokofiev,
Sergei; Hindemith, Paul; Gershwin, George; Poulenc, Francis; Copland, Aaron; Khachaturian, Aram; Kabalevsky, Dmitry;
Shostakovich, Dmitri; Messiaen, Olivier; Barber, Samuel; Britten, Benjamin; Ligeti, György
"""
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
    words = [_OTHER_SPELLINGS.get(word, word) for word in _words(name)]
    best, likeness = "", -1
    taken = set[str]()
    for entry in _KNOWN.replace("\n", " ").strip().split("; "):
        surname, _, given = entry.partition(", ")
        first_names = _words(given)
        initials = "".join(word[0] for word in first_names)
        run_together = {initials + word for word in _words(surname)} & set(words) if initials else set()
        if run_together or set(_words(surname)) <= set(words) or "".join(_words(surname)) in words:
            alike = len(set(first_names) & set(words)) + bool(run_together) + (initials in words) + _spelled(initials, words)
            if alike > likeness:
                best, likeness = f"{given} {surname}" if surname in taken else surname, alike
        taken.add(surname)
    return best


def _words(name: str) -> list[str]:
    """The words of a name in small plain letters, also of "BachJS"; an umlaut is like its vowel, with or without an e."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)
    return [re.sub("([aou])e", r"\1", word.lower()) for word in words]


def _spelled(initials: str, words: list[str]) -> bool:
    """Whether the initials stand there as single letters: J. S."""
    return bool(initials) and initials in "".join(word for word in words if len(word) == 1)
