"""Runs each hot path between two calls of getpgrp, at which valgrind writes down what it has counted."""

from __future__ import annotations

import gc
import os
import sys

from tests.instructions.hot_paths import HOT_PATHS


def main() -> None:
    warm_up, count = int(sys.argv[1]), int(sys.argv[2])
    gc.disable()  # the collector would come in one path or another
    for name, make in HOT_PATHS.items():
        run = make()
        run(warm_up)
        os.getpgrp()
        run(count)
        os.getpgrp()
        print(name)
    sys.stdout.flush()
    os._exit(0)  # what the loops still do is of no interest


if __name__ == "__main__":
    main()
