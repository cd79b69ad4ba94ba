"""Frames over memory of one kind, which the first argument names, in reference cycles of every kind, until the garbage
collector has taken them. Prints each cycle before it builds it: the last one printed is the one that broke."""

import ctypes
import gc
import mmap
import sys
import weakref
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from livekit_utils import AudioFrame, from_livekit
from livekit_utils.tracks.frame_fifo import FrameFifo

NUM_SAMPLES = 240
NUM_BYTES = 2 * NUM_SAMPLES
TIMES = 20


class Named(AudioFrame):
    """A frame that takes attributes."""

    me: Any


class Holder:
    me: Any
    frame: Any


class Samples(array):  # type: ignore[type-arg]
    """A buffer that takes attributes."""

    back: Any


class RawBytes(ctypes.Structure):
    _fields_ = (("samples", ctypes.c_char * NUM_BYTES),)


def from_sdk() -> AudioFrame:
    from livekit import rtc

    frame = from_livekit(rtc.AudioFrame(bytearray(NUM_BYTES), 48000, 1, NUM_SAMPLES))
    assert isinstance(frame, AudioFrame)
    return frame


def cleared() -> AudioFrame:
    """What `AudioSource.clear_queue` gives back first: the rest of a frame that was begun."""
    fifo = FrameFifo()
    fifo.push(AudioFrame.create(48000, 1, 2 * NUM_SAMPLES))
    fifo.pop(NUM_SAMPLES)
    (rest,) = fifo.drain()
    return rest


def mapped() -> memoryview:
    return memoryview(mmap.mmap(-1, mmap.PAGESIZE))


# What a frame is made over: a buffer, or a frame that is there already.
OWNERS: dict[str, Callable[[], Any]] = {
    "bytes": lambda: bytes(NUM_BYTES),
    "memoryview_of_bytes": lambda: memoryview(bytes(NUM_BYTES)),
    "memoryview_of_bytearray": lambda: memoryview(bytearray(NUM_BYTES)),
    "memoryview_of_mmap": mapped,
    "slice_of_data": lambda: AudioFrame.create(48000, 1, 480).data[:NUM_SAMPLES],
    "slice_of_frame": lambda: memoryview(AudioFrame.create(48000, 1, 960))[:NUM_SAMPLES],
    "frame": lambda: AudioFrame.create(48000, 1, NUM_SAMPLES),
    "view_of_view": lambda: memoryview(AudioFrame.create(48000, 1, 480).data[1:]).cast("B").toreadonly(),
    "numpy": lambda: np.zeros(NUM_SAMPLES, np.int16),
    "numpy_of_frame": lambda: np.asarray(AudioFrame.create(48000, 1, NUM_SAMPLES)),
    "memoryview_of_numpy": lambda: memoryview(np.zeros(NUM_SAMPLES, np.int16)),
    "ctypes": lambda: (ctypes.c_int16 * NUM_SAMPLES)(),
    "ctypes_of_memoryview": lambda: (ctypes.c_char * NUM_BYTES).from_buffer(memoryview(bytearray(NUM_BYTES))),
    "memoryview_of_ctypes": lambda: memoryview(RawBytes()).cast("B"),
    "array": lambda: array("h", bytes(NUM_BYTES)),
    "memoryview_of_array": lambda: memoryview(array("h", bytes(NUM_BYTES))),
    "sdk_frame": from_sdk,
    "clear_queue": cleared,
}


def over(owner: Any, kind: type[AudioFrame] = AudioFrame) -> AudioFrame:
    if isinstance(owner, AudioFrame) and kind is AudioFrame:
        return owner
    return kind(owner, 48000, 1, NUM_SAMPLES)


# Each returns a weak reference to the frame, which nothing but the cycle holds any more.


def in_its_userdata(owner: Any) -> Any:
    frame = over(owner)
    frame.userdata["frame"] = frame
    return weakref.ref(frame)


def in_the_userdata_of_another(owner: Any) -> Any:
    frame, other = over(owner), AudioFrame.create(48000, 1, 1)
    frame.userdata["other"] = [other, owner if not isinstance(owner, AudioFrame) else None]
    other.userdata["frame"] = frame
    return weakref.ref(frame)


def beside_an_error(owner: Any) -> Any:
    frame = over(owner)
    view = frame.data
    try:
        raise ValueError
    except ValueError as error:
        kept = error  # error -> traceback -> this call -> error
    assert kept is not None
    assert view is not None
    return weakref.ref(frame)


def in_a_list(owner: Any) -> Any:
    frame = over(owner)
    items: list[Any] = [frame]
    items += [items, owner]
    return weakref.ref(frame)


def in_a_dict(owner: Any) -> Any:
    items: dict[str, Any] = {"frame": over(owner)}
    items["me"] = items
    return weakref.ref(items["frame"])


def in_an_object(owner: Any) -> Any:
    holder = Holder()
    holder.me, holder.frame = holder, over(owner)
    return weakref.ref(holder.frame)


def in_an_attribute(owner: Any) -> Any:
    frame = over(owner, Named)
    assert isinstance(frame, Named)
    frame.me = frame
    return weakref.ref(frame)


def in_a_closure(owner: Any) -> Any:
    frame = over(owner)

    def look() -> Any:
        return frame, look

    return weakref.ref(frame)


def in_a_generator(owner: Any) -> Any:
    frame = over(owner)
    items: list[Any] = []

    def walk() -> Iterator[Any]:
        with memoryview(frame) as view:
            yield view, items

    generator = walk()
    next(generator)
    items.append(generator)
    return weakref.ref(frame)


def beside_views(owner: Any) -> Any:
    """Views of the frame, and a frame over one of them, in the cycle."""
    frame = over(owner)
    items: list[Any] = [frame, frame.data, memoryview(frame), memoryview(frame.data)[1:], np.asarray(frame)]
    items += [AudioFrame(frame.data, 48000, 1, 1), over(items[3], Named) if len(items[3]) >= NUM_SAMPLES else None]
    items += [items]
    return weakref.ref(frame)


CYCLES = (
    in_its_userdata,
    in_the_userdata_of_another,
    beside_an_error,
    in_a_list,
    in_a_dict,
    in_an_object,
    in_an_attribute,
    in_a_closure,
    in_a_generator,
    beside_views,
)

THROUGH_USERDATA = (in_its_userdata, in_the_userdata_of_another)


def collect() -> None:
    for _ in range(3):  # what a frame held can go only when the frame has gone
        gc.collect()


def owner_that_refers_back() -> None:
    """The collector does not see from a frame to its owner; who cuts the way back frees both."""
    for through in (lambda samples: samples, memoryview):
        samples = Samples("h", bytes(NUM_BYTES))
        frame = AudioFrame(through(samples), 48000, 1, NUM_SAMPLES)
        samples.back = frame
        gone = weakref.ref(frame)
        del frame
        collect()
        assert gone() is not None
        samples.back = None
        collect()
        assert gone() is None
        samples.append(1)  # it is not borrowed any more

    whole = AudioFrame.create(48000, 1, 480)
    part = AudioFrame(whole.data[:NUM_SAMPLES], 48000, 1, NUM_SAMPLES)
    whole.userdata["part"] = part
    gone, userdata = weakref.ref(part), whole.userdata
    del part, whole
    collect()
    assert gone() is not None
    userdata.clear()
    collect()
    assert gone() is None


if __name__ == "__main__":
    make = OWNERS[sys.argv[1]]
    gc.freeze()
    for cycle in CYCLES:
        print(cycle.__name__, flush=True)
        for _ in range(TIMES):
            gone = cycle(make())
            collect()
            if make is cleared and cycle in THROUGH_USERDATA:  # which is also that of the frame whose rest this is
                assert gone() is not None
                gone().userdata.clear()
                collect()
            assert gone() is None
    print("owner_that_refers_back", flush=True)
    owner_that_refers_back()
    collect()
    print("done")
