"""Random inputs that can be had again."""

import os
import random
from array import array

SEED = int(os.environ.get("LIVEKIT_UTILS_SEED") or random.SystemRandom().randrange(2**32))


class Rand(random.Random):
    """Random numbers whose repr, which pytest shows of a failed test's arguments, is the way to repeat them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.first_seed = seed

    def __repr__(self) -> str:
        return f"Rand(LIVEKIT_UTILS_SEED={self.first_seed})"

    def pcm(self, num_samples: int) -> bytes:
        """Full-scale int16 noise."""
        return self.randbytes(2 * num_samples)

    def quiet_pcm(self, num_samples: int, peak: int = 1000) -> bytes:
        return array("h", (self.randint(-peak, peak) for _ in range(num_samples))).tobytes()
