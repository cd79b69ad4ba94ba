"""Frames, views, rings and containers that refer to each other at random, under a garbage collector that runs all the
time. Arguments: the seed, the number of calls."""

import gc
import mmap
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from cycles import CYCLES, NUM_SAMPLES, OWNERS, Holder, Named, Samples

from livekit_utils import AudioFrame, combine_audio_frames
from livekit_utils._kernels.ring_buffer import RingBuffer

rand = random.Random(int(sys.argv[1]))
owners = [make for name, make in OWNERS.items() if name not in ("sdk_frame", "clear_queue")]
pool: list[Any] = []


def one(*kinds: type) -> Any:
    fitting = [item for item in pool if isinstance(item, kinds)]
    return rand.choice(fitting) if fitting else None


def add_owner() -> None:
    pool.append(rand.choice(owners)())


def add_frame() -> None:
    owner = one(memoryview, np.ndarray, AudioFrame, bytes, bytearray, Samples)
    if owner is not None and memoryview(owner).nbytes:
        view = memoryview(owner)
        num_channels = view.shape[1] if view.ndim == 2 else 1
        num_samples = rand.randint(0, view.nbytes // 2 // num_channels)
        pool.append(rand.choice((AudioFrame, Named))(owner, 48000, num_channels, num_samples))


def add_view() -> None:
    frame = one(AudioFrame)
    if frame is not None:
        view = rand.choice((frame.data, memoryview(frame), memoryview(frame.data)))
        pool.append(view[rand.randint(0, 3) :] if len(view) else view)


def add_array() -> None:
    frame = one(AudioFrame)
    if frame is not None:
        pool.append(rand.choice((np.asarray(frame), np.frombuffer(frame.data, np.int16))))


def add_region() -> None:
    memory = memoryview(mmap.mmap(-1, RingBuffer.num_bytes(256)))  # starts at a page
    ring = RingBuffer.create_in(memory, 256) if rand.random() < 0.5 else RingBuffer(256)
    pool.extend(ring.acquire_write(NUM_SAMPLES))


def add_container() -> None:
    pool.append(rand.choice(([], {}, Holder(), Samples("h", bytes(2 * NUM_SAMPLES)))))


def link() -> None:
    container, item = one(list, dict, Holder, Named, AudioFrame, Samples), rand.choice(pool)
    if isinstance(container, list):
        container.append(item)
    elif isinstance(container, dict):
        container[rand.randint(0, 9)] = item
    elif isinstance(container, AudioFrame) and rand.random() < 0.5:
        container.userdata[rand.randint(0, 9)] = item
    elif hasattr(container, "__dict__"):
        setattr(container, rand.choice(("me", "frame", "back")), item)


def fail() -> None:
    frame, view = one(AudioFrame), one(memoryview)
    try:
        AudioFrame(view, 48000, 1, 2**20)
    except (TypeError, ValueError) as error:
        pool.append([error, frame])


def write() -> None:
    frame = one(AudioFrame)
    if frame is not None:
        frame._data = bytes(2 * frame.samples_per_channel)  # a read-only frame gets memory of its own
        pool.append(combine_audio_frames([frame, frame]))


def cycle() -> None:
    rand.choice(CYCLES)(rand.choice(owners)())


def look() -> None:
    for item in pool:
        if isinstance(item, (memoryview, AudioFrame)):
            bytes(item)


def forget() -> None:
    rand.shuffle(pool)
    del pool[rand.randint(0, 20) :]


STEPS: tuple[Callable[[], object], ...] = (
    *(add_owner, add_owner, add_frame, add_frame, add_frame, add_view, add_view, add_array, add_region),
    *(add_container, link, link, link, link, fail, write, cycle, look, forget),
)
gc.freeze()
add_container()
for _ in range(int(sys.argv[2])):
    gc.set_threshold(rand.randint(1, 60), rand.randint(1, 5), rand.randint(1, 5))
    rand.choice(STEPS)()
    if not pool:
        add_container()
pool.clear()
gc.collect()
gc.collect()
