"""Serve the page. A Space and `make app` run this, with the bundled checkpoint or the one that MUSICLSTM_REPO names."""

import os
import sys

# No telemetry. The libraries read these variables when they are imported.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

if __name__ == "__main__":
    from musiclstm.quiet import import_tensorflow

    import_tensorflow()

    from musiclstm.ui.page import main

    main(sys.argv[1:])
