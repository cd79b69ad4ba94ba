import gc

from cycles import CYCLES, NUM_BYTES, NUM_SAMPLES, OWNERS, Samples
from leaks import check

from livekit_utils import AudioFrame

owners = [make for name, make in OWNERS.items() if name not in ("sdk_frame", "clear_queue")]


def every_cycle() -> None:
    for make in owners:
        for cycle in CYCLES:
            cycle(make())
    gc.collect()


def cut_by_hand() -> None:
    samples = Samples("h", bytes(NUM_BYTES))
    samples.back = AudioFrame(memoryview(samples), 48000, 1, NUM_SAMPLES)
    samples.back = None
    whole = AudioFrame.create(48000, 1, NUM_SAMPLES)
    whole.userdata["part"] = AudioFrame(whole.data[1:], 48000, 1, 1)
    whole.userdata.clear()


check(every_cycle, 100)
check(cut_by_hand, 50_000)
