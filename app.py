"""Serve the page. A Space and `make app` run this, with the bundled checkpoint or the one that MUSICLSTM_REPO names."""

import sys

from musiclstm.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["app", *sys.argv[1:]]))
