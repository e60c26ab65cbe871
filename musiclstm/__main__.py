"""Run the command line: ``python -m musiclstm``."""

from musiclstm.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
