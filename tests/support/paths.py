"""Where the tests and what they look at lie."""

import os
from pathlib import Path

TESTS = Path(__file__).parents[1]

# README.md, examples and csrc lie beside the tests, also where the tests run away from the source.
BESIDE = TESTS.parent

# The source tree, which some tests read as text.
SOURCE = Path(os.environ.get("LIVEKIT_UTILS_SOURCE") or BESIDE)
