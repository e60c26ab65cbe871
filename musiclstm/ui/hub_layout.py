"""The widgets of a Space: a visitor's versions in a dataset of their own, and links to share the page. No events here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

import gradio as gr

from musiclstm.hub import Saved, page_of
from musiclstm.sentence import Sentence
from musiclstm.ui.language import Language
from musiclstm.ui.wording import Wording

FOLD = "hub-fold"
# Gradio's routes; afterwards the fold is opened again, which the script does.
_BACK = urlencode({"_target_url": f"/#{FOLD}"})
SIGN_IN, SIGN_OUT = f"/login/huggingface?{_BACK}", f"/logout?{_BACK}"
_SPACES = "https://huggingface.co/spaces/"
_SIGNS_IN = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")


@dataclass(frozen=True)
class Space:
    """The Space that the page runs on, by its name. ``signs_in``: visitors can sign in with their account on the Hub."""

    name: str
    signs_in: bool


def space_in(environment: Mapping[str, str]) -> Space | None:
    """The Space that the Hub's variables describe; None anywhere else."""
    name = environment.get("SPACE_ID") if environment.get("SYSTEM") == "spaces" else None
    return Space(name, all(environment.get(each) for each in _SIGNS_IN)) if name else None


@dataclass(frozen=True)
class Shelf:
    """The ``fold`` with a visitor's saved versions: their ``account``, a button to ``save``, the list, and what was ``told``."""

    fold: gr.Accordion
    account: gr.HTML
    save: gr.Button
    saved: gr.Dropdown
    told: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """All that changes."""
        return [self.account, self.save, self.saved, self.told]

    def signed_out(self, language: Language, trouble: str | Sentence = "") -> dict[Any, Any]:
        """Updates for a visitor who is not signed in, perhaps not any more."""
        hidden = {self.save: gr.Button(visible=False), self.saved: gr.Dropdown(choices=[], value=None, visible=False)}
        return {self.account: _invitation(language), **hidden, self.told: _told(language.say(trouble), trouble=True)}

    def signed_in(self, owner: str, language: Language) -> dict[Any, Any]:
        """Updates for a visitor who is signed in."""
        return {self.account: _account(owner, language), self.save: gr.Button(visible=True), self.told: _told("")}

    def listed(self, versions: Iterable[Saved]) -> dict[Any, Any]:
        """Updates that let the visitor choose one of their versions."""
        choices = [(f"{each.when:%Y-%m-%d %H:%M} · {each.music}", each.name) for each in versions]
        return {self.saved: gr.Dropdown(choices=choices, value=None, visible=bool(choices))}

    def says(self, said: str, *, trouble: bool = False) -> dict[Any, Any]:
        """An update that says what happened."""
        return {self.told: _told(said, trouble=trouble)}


def place_space(space: Space | None, wording: Wording) -> Shelf | None:
    """Place the widgets of a Space on the page under construction; elsewhere there are none."""
    if space is None:
        return None
    shelf = _place_shelf(wording) if space.signs_in else None
    place, community = f"{_SPACES}{quote(space.name)}", wording("Share to the community tab")
    gr.HTML(
        f'<p><a class="to-community" href="{place}/discussions/new" target="_blank" rel="noopener">{community}</a> · '
        f'<a href="{place}?duplicate=true" target="_blank" rel="noopener">{wording("Duplicate this Space")}</a></p>',
        elem_id="space",
    )
    return shelf


def _place_shelf(wording: Wording) -> Shelf:
    with gr.Accordion(wording("Your versions on the Hub"), open=False, elem_id=FOLD) as fold:
        account = gr.HTML(wording(_invitation), elem_id="hub-account")
        with gr.Row(elem_id="hub-versions"):
            save = gr.Button(wording("Save this version"), size="sm", visible=False, elem_id="hub-save")
            saved = gr.Dropdown([], label=wording("Your saved versions"), visible=False, elem_id="hub-saved")
        told = gr.HTML(_told(""), elem_id="hub-told")
    return Shelf(fold, account, save, saved, told)


def _invitation(language: Language) -> str:
    does = language.say("Saves versions in a dataset of your own, which is private, and opens them again in any browser.")
    enter = language.say("Sign in with Hugging Face")
    return f'<p>{escape(does)}</p><p><a class="sign-in" href="{SIGN_IN}">{escape(enter)}</a></p>'


def _account(owner: str, language: Language) -> str:
    shown = language.say("Your dataset on the Hub: share and remove versions there")
    leave = language.say("Sign out ({name})", name=owner)
    return (
        f'<p><a href="{escape(page_of(owner))}" target="_blank" rel="noopener">{escape(shown)}</a> · '
        f'<a href="{SIGN_OUT}">{escape(leave)}</a></p>'
    )


def _told(said: str, *, trouble: bool = False) -> str:
    return f'<p role="status"{" class=trouble" if said and trouble else ""}>{escape(said)}</p>'
