"""ReadLoop: the least that anything can do which looks at all its inputs."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

_SOURCE = """
#include <stddef.h>
#include <stdint.h>
#include <string.h>

uint64_t read_loop(const unsigned char *const *inputs, size_t num_inputs, size_t num_words) {
    uint64_t all = 0;
    for (size_t i = 0; i < num_inputs; i++)
        for (size_t k = 0; k < num_words; k++) {
            uint64_t word;
            memcpy(&word, inputs[i] + 8 * k, 8);
            all ^= word;
        }
    return all;
}
"""


class ReadLoop:
    """Reads every byte of its inputs once, in one call of compiled code, and returns their words' exclusive or.

    Args:
        inputs: Of one length, in whole words of 8 bytes.
    """

    def __init__(self, inputs: Sequence[bytes]) -> None:
        self._num_words, rest = divmod(len(inputs[0]), 8)
        if rest or any(len(data) != len(inputs[0]) for data in inputs):
            raise ValueError("expected inputs of one length, in whole words of 8 bytes")
        self._inputs = (ctypes.c_char_p * len(inputs))(*inputs)
        self._function = _compiled().read_loop
        self._function.restype = ctypes.c_uint64
        self._arguments = (self._inputs, ctypes.c_size_t(len(inputs)), ctypes.c_size_t(self._num_words))

    @staticmethod
    def available() -> bool:
        return shutil.which("cc") is not None

    def __call__(self) -> int:
        result: int = self._function(*self._arguments)
        return result


@lru_cache(maxsize=1)
def _compiled() -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "read_loop.c"), Path(folder, "read_loop.so")
        source.write_text(_SOURCE)
        flags = ["-O3", "-march=native", "-shared", "-fPIC"]
        subprocess.run(["cc", *flags, "-o", str(library), str(source)], check=True)
        return ctypes.CDLL(str(library))
