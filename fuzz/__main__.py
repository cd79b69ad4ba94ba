"""Runs one target: `python -m fuzz NAME [--seconds S | --runs N] [--seed N] [FILE...]`.

With Atheris where it is installed, which looks for new ways through the code; else with random bytes and random changes
to the target's seeds. A FILE is one input to repeat.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PLAIN = ("__main__", "input")
TARGETS = sorted(item.name for item in pkgutil.iter_modules([str(Path(__file__).parent)]) if item.name not in _PLAIN)


def changed(rand: random.Random, seeds: list[bytes]) -> bytes:
    """Random bytes, or a seed with a few random changes."""
    if not seeds or rand.random() < 0.2:
        return rand.randbytes(rand.choice((0, 1, 7, 64, 300, 2000)))
    data = bytearray(rand.choice(seeds))
    for _ in range(rand.choice((0, 1, 1, 2, 4, 16))):
        if not data:
            break
        # Mostly in the header, where a byte means most.
        position = rand.randrange(min(len(data), rand.choice((16, 64, 256, len(data)))))
        match rand.randrange(4):
            case 0:
                data[position] = rand.choice((0, 1, 0x7F, 0x80, 0xFF, rand.randrange(256)))
            case 1:
                data[position] ^= 1 << rand.randrange(8)
            case 2:
                del data[position : position + rand.choice((1, 4, 100, len(data)))]
            case _:
                data[position:position] = rand.randbytes(rand.choice((1, 2, 4, 30)))
    return bytes(data)


def run_plain(fuzz: Callable[[bytes], None], seeds: list[bytes], seconds: float, runs: int, seed: int) -> None:
    rand = random.Random(seed)
    end = time.monotonic() + seconds
    done = 0
    while done < runs if runs else time.monotonic() < end:
        data = changed(rand, seeds)
        try:
            fuzz(data)
        except BaseException:
            path = Path("crash").absolute()
            path.write_bytes(data)
            print(f"input {done} of seed {seed} is in {path}", file=sys.stderr, flush=True)
            raise
        done += 1
    print(f"{done} inputs")


def run_atheris(
    atheris: Any, target: str, fuzz: Callable[[bytes], None], seeds: list[bytes], seconds: float, runs: int, seed: int
) -> None:
    corpus = Path("corpus") / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(data)
    bound = f"-runs={runs}" if runs else f"-max_total_time={max(1, round(seconds))}"
    # -timeout: an input that takes this many seconds is a hang.
    options = [bound, f"-seed={seed}", "-timeout=20", "-rss_limit_mb=4096", "-max_len=8192", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={target}-", str(corpus)], fuzz)
    atheris.Fuzz()  # ends the process


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Runs one fuzz target.")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int, default=0, help="inputs instead of seconds")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 2**31))
    parser.add_argument("--plain", action="store_true", help="without Atheris")
    parser.add_argument("files", nargs="*", type=Path, help="inputs to repeat")
    options = parser.parse_args()

    atheris: Any = None
    if not (options.plain or options.files):
        try:
            atheris = importlib.import_module("atheris")
        except ImportError:
            print("Atheris is not installed: random inputs without its search for new ways")
    print(f"{options.target}: seed {options.seed}", flush=True)
    if atheris is not None:
        with atheris.instrument_imports(include=["fuzz", "livekit_utils"], enable_loader_override=False):
            module = importlib.import_module(f"fuzz.{options.target}")
    else:
        module = importlib.import_module(f"fuzz.{options.target}")
    seeds: list[bytes] = module.seeds() if hasattr(module, "seeds") else []
    if options.files:
        for path in options.files:
            module.fuzz(path.read_bytes())
    elif atheris is not None:
        run_atheris(atheris, options.target, module.fuzz, seeds, options.seconds, options.runs, options.seed)
    else:
        run_plain(module.fuzz, seeds, options.seconds, options.runs, options.seed)


if __name__ == "__main__":
    main()
