"""What one request may cost: one budget for the page, its API, recipes, links and the command line.

Every limit is far above what music needs. Beyond one, the sender gets a sentence before anything is computed.
"""

from __future__ import annotations

# A music file, and reading a visitor's one
FILE_BYTES = 10_000_000
UNPACKED_BYTES = 50_000_000  # of a compressed score
FILE_QUARTERS = 100_000  # 14 hours at 120 quarters a minute
FILE_NOTES = 50_000  # Bach's Goldberg Variations have 20,000
FILE_BARS = 20_000
FILE_CHANGES = 10_000  # of metre or tempo
READ_SECONDS = 9.0  # a person waits a second longer at most
READ_MEMORY = 2_000_000_000  # bytes of address space
READERS = 2  # files that are read at the same time

# A seed, and music to change as a whole
SEED_BARS = 32
SEED_NOTES = 5_000
CHANGED_BARS = 1_000

# What is written
BARS, TAKES, CANDIDATES = 64, 8, 16
TAKE_NOTES = 4096  # 64 bars of very dense music
BARS_IN_ALL = 512  # of one request and those whose music it extends or changes
NESTED = 64  # recipes, one in another
EDITS, EDITED_NOTES = 500, 5_000  # changes by hand, and notes of one of them

# A recipe and a link
RECIPE_BYTES = 400_000  # a file of 5,000 notes, a number on each line
LINK_CHARACTERS = 60_000  # a little more than browsers and servers accept
SEED_NAME = 4096  # characters of a seed's id or file

# What is drawn and played
DRAWN_NOTES = 20_000
PRINTED_PAGES = 60
SOUND_SECONDS = 30 * 60  # half an hour of samples takes 0.6 GB of memory

# What a visitor saved in a dataset of their own
SAVED_LISTED = 200  # the newest versions, to choose from
SAVED_LOOKED_AT = 5_000  # names in the dataset
