"""Which checkpoint plays. The page never waits for the Hub: the bundled one plays until the one that is asked for is here."""

from __future__ import annotations

import threading

from musiclstm.api import open_at_hand, open_checkpoint
from musiclstm.errors import MusicLSTMError, OptionError
from musiclstm.ui.engine import Engine

PAUSES = (5.0, 30.0, 120.0, 600.0, 3600.0)  # seconds until the Hub is asked again


class ActiveCheckpoint:
    """The engine that plays ``now``, and a ``note`` for visitors: why it is another than the one asked for, "" if it is not.

    A visitor keeps the engine that played on arrival, so that seeds and takes stay what they are until the page is loaded again.
    """

    def __init__(self, engine: Engine, note: str = "") -> None:
        self.now, self.note = engine, note
        self._engines = [engine]
        self._closed = threading.Event()

    def fetch(self, reference: str) -> threading.Thread:
        """Open a checkpoint (a Hub id) in the background, warm it up and let it play; what goes wrong becomes the note.

        Tried again after each of PAUSES, since the Hub may be out of reach for a while.
        """

        def work() -> None:
            for pause in (0.0, *PAUSES):
                if self._closed.wait(pause):
                    return
                try:
                    engine = Engine(open_checkpoint(reference))
                except OptionError as error:  # not to be mended by waiting
                    self.note = _instead(error)
                    return
                except MusicLSTMError as error:
                    self.note = _instead(error)
                    continue
                self._engines.append(engine)
                engine.warm_up().result()  # whoever arrives meanwhile is served by the one that is warm
                self.now, self.note = engine, ""
                return

        self.note = f"Fetching {reference}; until it is here the bundled checkpoint plays."
        thread = threading.Thread(target=work, name="fetch", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Stop warming up, of all studios there were."""
        self._closed.set()
        for engine in self._engines:
            engine.close()


def open_active_checkpoint(reference: str | None) -> ActiveCheckpoint:
    """The active for a checkpoint by folder or Hub id, the bundled one for None.

    What is on this machine, a folder or a commit in the Hub's cache, plays at once; anything else is fetched while the bundled
    one plays. Whatever is wrong with what was asked for, the bundled one plays and the note says why. Raises CheckpointError only
    if that can't be opened.
    """
    try:
        ready = open_at_hand(reference)
        if ready is not None:
            return ActiveCheckpoint(Engine(ready))
    except MusicLSTMError as error:
        if reference is None:
            raise
        return ActiveCheckpoint(Engine(open_checkpoint()), _instead(error))
    active = ActiveCheckpoint(Engine(open_checkpoint()))
    active.fetch(str(reference))
    return active


def _instead(error: MusicLSTMError) -> str:
    return f"{error} The bundled checkpoint plays instead."
