# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#     "h5py==3.14.0",
#     "huggingface_hub==2.4.0",
#     "kagglehub==1.0.2",
#     "keras==3.15.1",
#     "matplotlib==3.11.2",
#     "midi2audio==0.1.1",
#     "music21==10.5.1",
#     "numpy==2.4.6",
#     "pebble==5.2.3",
#     "pydantic==2.14.4",
#     "pyloudnorm==0.2.0",
#     "soundfile==0.14.0",
#     "tensorflow-cpu==2.21.0 ; platform_system == 'Linux' and platform_machine == 'x86_64'",
#     "tensorflow==2.21.0 ; platform_system != 'Linux' or platform_machine != 'x86_64'",
#     "tqdm==4.70.1",
# ]
#
# [tool.hf-jobs]
# flavor = "cpu-upgrade"
# timeout = "6h"
# secrets = ["HF_TOKEN"]
# volumes = ["./musiclstm:/opt/program/musiclstm"]
# env = { PYTHONPATH = "/opt/program" }
# ///
"""Train a checkpoint on your own music: read, split by work, train, evaluate, choose seeds, save, reload and play.

python train.py --data my-midi-folder --out runs/mine
python train.py --data music21                       # the corpus that comes with music21, no network needed
python train.py --data hf://datasets/OWNER/NAME      # a dataset of MIDI files on the Hugging Face Hub
python train.py --data kaggle://OWNER/NAME           # or on Kaggle (pip install kagglehub)
python train.py --from classical-piano --data my-midi-folder  # fine-tune the bundled checkpoint, or DIR, or OWNER/NAME
python train.py --data my-midi-folder --push OWNER/NAME  # and publish it unless it is worse than the published one
"""

from __future__ import annotations

from collections.abc import Sequence

from musiclstm.cli import run
from musiclstm.cli_options import Parser
from musiclstm.training.command import add_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and return the exit code: 0, or 2 with one line on stderr for bad input."""
    parser = Parser(prog="python train.py", description=__doc__)
    add_options(parser)
    return run(parser, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
