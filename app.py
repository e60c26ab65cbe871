"""What a Space runs, and `make app`: the page of the bundled checkpoint, or of the one that MUSICLSTM_REPO names."""

import os
import sys

# Read when the libraries are imported: nothing is reported to anyone.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

if __name__ == "__main__":
    from musiclstm.quiet import import_tensorflow

    import_tensorflow()

    from musiclstm.ui.page import main

    main(sys.argv[1:])
