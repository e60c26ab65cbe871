"""``python -m musiclstm``: the command line."""

from musiclstm.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
