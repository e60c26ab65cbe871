"""A page as it runs on a Space, in a process of its own. The environment says which: SPACE_ID, OAUTH_CLIENT_ID and so on.

It serves the bundled checkpoint's example, and its model is never warmed up. It ends when its input does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from musiclstm.formats.reader import MusicReader
from musiclstm.quiet import import_tensorflow


def main(folder: Path) -> None:
    """Serve the page, and write its address to a file in ``folder``."""
    import_tensorflow()
    from musiclstm.render.samples import SampleLibrary
    from musiclstm.ui.active_checkpoint import open_active_checkpoint
    from musiclstm.ui.page import build_page, launch

    active = open_active_checkpoint(None)
    with MusicReader() as reader:
        page = build_page(active, reader)
        address = launch(page, SampleLibrary(folder / "samples"), prevent_thread_lock=True, quiet=True)
        (folder / "address.draft").write_text(address, encoding="ascii")
        (folder / "address.draft").rename(folder / "address")
        sys.stdin.read()
        page.close()
    active.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
