"""The events of a visitor's versions on the Hub: see them, save one, open one. Nothing is asked of the Hub without a click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.errors import HubError, MusicLSTMError, OptionError, SignedOutError
from musiclstm.generation import RECIPE, SCORE, music_name, recipe_from_link
from musiclstm.hub import LINK, dataset_of, save_version, saved_link, saved_versions
from musiclstm.sentence import sentence
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.hub_layout import Shelf
from musiclstm.ui.language import Language
from musiclstm.ui.layout import Updates, Widgets, code_of
from musiclstm.ui.requests import QUIET, request_folder
from musiclstm.ui.session import Session
from musiclstm.ui.sign_in import REFUSED
from musiclstm.ui.take_events import after_opening, link_opener, opening_outputs

HUB: dict[str, Any] = {"concurrency_id": "hub", "concurrency_limit": 16}  # a Hub that is slow keeps nobody else waiting
# Gradio fills them in, from a cookie.
Profile = gr.OAuthProfile | None
Token = gr.OAuthToken | None


def hub_events(active: ActiveCheckpoint, w: Widgets, linked: gr.State) -> None:
    """Connect a visitor's saved versions, where the page has them; ``linked`` is that of ``link_events``."""
    if w.shelf is None:
        return
    shelf, open_code = w.shelf, link_opener(active, w, linked)

    def look(request: gr.Request, profile: Profile, token: Token, session: Session) -> Updates:
        if profile is None or token is None:
            refused = sentence("You are not signed in: the Hub didn't allow it, or can't be reached.")
            return shelf.signed_out(session.language, refused if REFUSED in request.query_params else "")
        return shelf.signed_in(profile.username, session.language) | _listed(shelf, profile, token, session.language)

    def save(profile: Profile, token: Token, session: Session) -> Updates:
        language = session.language
        with request_folder(language) as folder:
            try:
                profile, token = _known(profile, token)
                music, files = _files(active, session, folder)
                save_version(profile.username, token.token, music, files)
            except MusicLSTMError as error:
                return _refused(shelf, error, language)
        said = shelf.says(language.say("Saved in {dataset}.", dataset=dataset_of(profile.username)))
        return _listed(shelf, profile, token, language) | said  # it is saved, even if the list can't be had now

    def load(
        profile: Profile, token: Token, name: str, session: Session, history: list[list[str]], latest: list[object]
    ) -> Iterator[Updates]:
        try:
            profile, token = _known(profile, token)
            code = _sound(saved_link(profile.username, token.token, str(name)))
        except MusicLSTMError as error:
            yield _refused(shelf, error, session.language)
            return
        yield from open_code(code, session, history, latest)
        yield {shelf.saved: gr.Dropdown(value=None), **shelf.says("")}

    shelf.fold.expand(look, w.session, shelf.outputs, **QUIET, **HUB)
    shelf.save.click(save, w.session, shelf.outputs, show_progress_on=shelf.save, api_visibility="private", **HUB)
    inputs, outputs = [shelf.saved, w.session, w.history, linked], [*opening_outputs(w, linked), *shelf.outputs]
    after_opening(w, shelf.saved.input(load, inputs, outputs, **QUIET, **HUB))


def _known(profile: Profile, token: Token) -> tuple[gr.OAuthProfile, gr.OAuthToken]:
    """Who the visitor is at the Hub. Raises SignedOutError."""
    if profile is None or token is None:
        raise SignedOutError("You are not signed in any more: sign in again.")
    return profile, token


def _files(active: ActiveCheckpoint, session: Session, folder: Path) -> tuple[str, dict[str, bytes]]:
    """The name of the version on show, and its files for the dataset. Raises OptionError, OSError."""
    if session.result is None:
        raise OptionError("There is no version to save yet. Press Generate first.")
    shown = session.result.shown
    written = (session.engine or active.now).write(folder, shown, score=True)
    music = music_name(shown.composition, shown.take.number)
    made = {f"{music}.mid": written.joined_midi, f"{music}{Path(SCORE).suffix}": folder / SCORE, RECIPE: written.recipe}
    return music, {name: path.read_bytes() for name, path in made.items()} | {LINK: code_of(shown).encode()}


def _sound(code: str) -> str:
    """The letters of a link, which nobody has changed. Raises HubError."""
    try:
        recipe_from_link(code)
    except OptionError as error:
        raise HubError("This version can't be opened: its link is damaged, or something else wrote it.") from error
    return code


def _listed(shelf: Shelf, profile: gr.OAuthProfile, token: gr.OAuthToken, language: Language) -> Updates:
    """Updates with the versions of a visitor, or with the reason why they can't be listed."""
    try:
        return shelf.listed(saved_versions(profile.username, token.token))
    except MusicLSTMError as error:
        return _refused(shelf, error, language)


def _refused(shelf: Shelf, error: MusicLSTMError, language: Language) -> Updates:
    """Updates that say what went wrong; who is not signed in any more can do so again."""
    if isinstance(error, SignedOutError):
        return shelf.signed_out(language, error.sentence)
    return shelf.says(language.error(error), trouble=True)
