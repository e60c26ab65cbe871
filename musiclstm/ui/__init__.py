"""The web page, built with Gradio.

``page`` builds and serves it, ``layout`` places the widgets, ``texts`` and ``pictures`` hold the words and the drawings.
``take_events`` and ``api`` answer clicks and API calls, with ``requests`` for what both need. ``engine`` does the work for a
checkpoint, ``active_checkpoint`` picks the checkpoint, ``session`` remembers one visitor, ``results`` are takes to choose from.
"""
