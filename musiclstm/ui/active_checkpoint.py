"""Choose the checkpoint for the page. The page never waits for the Hub: it uses the bundled one until the download is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from musiclstm.api import open_checkpoint, open_local
from musiclstm.config import REPO_VARIABLE, REVISION_VARIABLE
from musiclstm.errors import MusicLSTMError, OptionError, StoppedError
from musiclstm.sentence import Sentence, sentence
from musiclstm.ui.engine import Engine

if TYPE_CHECKING:
    from musiclstm.model import ModelProcess

PAUSES = (5.0, 30.0, 120.0, 600.0, 3600.0)  # seconds between attempts to reach the Hub


class ActiveCheckpoint:
    """The engine in use, ``now``, and a ``note`` for visitors that says why it is not the requested one ("" if it is).

    A visitor keeps the engine that was active when the page loaded, so seeds and takes don't change under their hands.
    """

    def __init__(self, engine: Engine, note: str | Sentence = "", *, apart: Callable[[], ModelProcess] | None = None) -> None:
        self.now, self.note = engine, note
        self._apart = apart
        self._engines = [engine]
        self._closed = threading.Event()

    def fetch(self, reference: str) -> threading.Thread:
        """Download a checkpoint (a Hub id) in the background, warm it up, then make it active. Errors become the note.

        Retries after each of PAUSES, since the Hub may be out of reach for a while.
        """

        def download() -> None:
            for pause in (0.0, *PAUSES):
                if self._closed.wait(pause):
                    return
                try:
                    engine = self._opened(reference)
                except OptionError as error:  # waiting will not help
                    self.note = _instead(error)
                    return
                except MusicLSTMError as error:
                    self.note = _instead(error)
                    continue
                if engine is not None:
                    before, self.now, self.note = self.now, engine, ""
                    if before.checkpoint.apart is not None:
                        before.checkpoint.apart.rest()  # few still use it
                return

        self.note = sentence("Downloading {name}. Until it is ready, the page uses the bundled checkpoint.", name=reference)
        thread = threading.Thread(target=download, name="fetch", daemon=True)
        thread.start()
        return thread

    def _opened(self, reference: str) -> Engine | None:
        """A warm engine; until it is, new visitors get the one that is already warm. None once everything is closed."""
        engine = Engine(open_checkpoint(reference, apart=self._apart))
        self._engines.append(engine)
        try:
            if not self._closed.is_set():
                engine.warm_up().result()
                return engine
        except StoppedError:
            pass
        except MusicLSTMError:
            engine.close()
            self._engines.remove(engine)
            raise
        engine.close()
        return None

    def give_up(self, visitor: str) -> None:
        """Stop what is written for a visitor who has gone."""
        for engine in self._engines:
            engine.places.give_up(visitor)

    def close(self, *, wait: bool = True) -> None:
        """Stop fetching, and close every engine, as ``Engine.close`` does."""
        self._closed.set()
        for engine in self._engines:
            engine.close(wait=wait)


def reference_in(environment: Mapping[str, str]) -> str | None:
    """What an environment asks for: MUSICLSTM_REPO, a folder or OWNER/NAME on the Hub, and a MUSICLSTM_REVISION of it."""
    repo, revision = environment.get(REPO_VARIABLE), environment.get(REVISION_VARIABLE)
    return f"{repo}@{revision}" if repo and revision else repo or None


def open_active_checkpoint(reference: str | None, *, apart: Callable[[], ModelProcess] | None = None) -> ActiveCheckpoint:
    """Open a checkpoint for the page, by folder or Hub id; None means the bundled one. ``apart``: see ``open_checkpoint``.

    A folder, or a commit in the Hub's cache, is active at once. Anything else is downloaded while the bundled one is in use. If
    the requested checkpoint can't be used, the bundled one stays and the note says why. Raises CheckpointError only if the
    bundled one can't be opened.
    """
    try:
        local = open_local(reference, apart=apart)
        if local is not None:
            return ActiveCheckpoint(Engine(local), apart=apart)
    except MusicLSTMError as error:
        if reference is None:
            raise
        return ActiveCheckpoint(Engine(open_checkpoint(apart=apart)), _instead(error), apart=apart)
    active = ActiveCheckpoint(Engine(open_checkpoint(apart=apart)), apart=apart)
    active.fetch(str(reference))
    return active


def _instead(error: MusicLSTMError) -> Sentence:
    return sentence("{error} The page uses the bundled checkpoint instead.", error=error.sentence)
