"""One class with so many live streams, measured: `python -m benchmarks.growing mixer 64 4` prints a line of JSON.

Every 10 ms, each stream is given a frame at a time of its own, spread over the 10 ms as in a conference.
"""

from __future__ import annotations

import asyncio
import gc
import json
import mmap
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import livekit_utils
from benchmarks import optional
from benchmarks.live_source import SAMPLES, TICK_S
from benchmarks.live_stream import LiveStream

_RATE = 48000
_WARM_UP_S = 1.0

# Samples that lie between two processes at most.
_RING = 16 * SAMPLES


@dataclass(frozen=True)
class Growth:
    """What so many streams cost."""

    cpu_s: float
    """CPU time of the process per second; of two processes, of the one that has more to do."""
    num_bytes: int
    """Memory that all streams together have added."""
    late_p99_s: float
    """How much later than the soonest of its kind what is due comes to its reader."""


class _Clock:
    """Delivers frames, and notes how late each arrives that a reader reports."""

    def __init__(self, package: Any, number: int, seconds: float) -> None:
        self.package, self.number, self.seconds = package, number, seconds
        self.frame = package.AudioFrame(bytes(range(240)) * 4, _RATE, 1, SAMPLES)
        self.delays_s: list[float] = []
        self.other_cpu_s = 0.0
        self.started = 0.0

    async def feed(self, deliver: Callable[[int], None]) -> None:
        """Calls `deliver` for each stream every 10 ms, in up to ten wakes."""
        loop = asyncio.get_running_loop()
        slots = [range(i, self.number, 10) for i in range(min(10, self.number))]
        self.started = begin = loop.time()
        for tick in range(round((_WARM_UP_S + self.seconds) / TICK_S)):
            for place, slot in enumerate(slots):
                wait_s = begin + (tick + place / len(slots)) * TICK_S - loop.time()
                await asyncio.sleep(max(0.0, wait_s))
                for i in slot:
                    deliver(i)

    def arrived(self, media_s: float) -> None:
        """Notes that a reader has what is due so many seconds after the start."""
        now = asyncio.get_running_loop().time()
        if now - self.started > _WARM_UP_S:
            self.delays_s.append(now - self.started - media_s)


Subject = Callable[[_Clock], Coroutine[Any, Any, None]]


async def _count(blocks: AsyncIterator[Any], clock: _Clock) -> None:
    count = 0
    async for _ in blocks:
        count += 1
        clock.arrived(count * TICK_S)


async def _with_readers(clock: _Clock, readers: list[AsyncIterator[Any]], feeding: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.ensure_future(_count(reader, clock)) for reader in readers]
    await feeding
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _bare(clock: _Clock) -> None:
    """Only reads the streams: what all others are compared with."""
    streams = [LiveStream() for _ in range(clock.number)]
    await _with_readers(clock, list(streams), clock.feed(lambda i: streams[i].deliver(clock.frame)))


async def _mixer(clock: _Clock) -> None:
    streams = [LiveStream() for _ in range(clock.number)]
    mixer = clock.package.AudioMixer(_RATE, 1, blocksize=SAMPLES)
    for stream in streams:
        mixer.add_stream(stream)
    await _with_readers(clock, [aiter(mixer)], clock.feed(lambda i: streams[i].deliver(clock.frame)))
    await mixer.aclose()


async def _two_processes(clock: _Clock) -> None:
    """A second process mixes half of the streams, and hands its mix over in a RingBuffer."""
    here = clock.number - clock.number // 2
    streams = [LiveStream() for _ in range(here)]
    mixer, other = livekit_utils.AudioMixer(_RATE, 1, blocksize=SAMPLES), LiveStream()
    for stream in (*streams, other):
        mixer.add_stream(stream)
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(livekit_utils.RingBuffer.num_bytes(_RING))
        ring = livekit_utils.RingBuffer.create_in(mmap.mmap(file.fileno(), 0), _RING)
        command = [sys.executable, "-m", "benchmarks.growing", _HALF, str(clock.number // 2), str(clock.seconds)]
        half = await asyncio.create_subprocess_exec(*command, file.name, stdout=asyncio.subprocess.PIPE)

        def deliver(i: int) -> None:
            if i < here:
                streams[i].deliver(clock.frame)
            while i == 0 and ring.readable >= SAMPLES:
                other.deliver(livekit_utils.AudioFrame(ring.read(SAMPLES), _RATE, 1, SAMPLES))

        clock.number = here
        await _with_readers(clock, [aiter(mixer)], clock.feed(deliver))
        output, _ = await half.communicate()
    clock.other_cpu_s = json.loads(output)["cpu_s"]
    await mixer.aclose()


def _ring_in(path: str) -> livekit_utils.RingBuffer:
    with open(path, "r+b") as file:
        return livekit_utils.RingBuffer.attach(mmap.mmap(file.fileno(), 0))


async def _half(clock: _Clock) -> None:
    """The second process of them."""
    ring = _ring_in(sys.argv[4])
    streams = [LiveStream() for _ in range(clock.number)]
    mixer = livekit_utils.AudioMixer(_RATE, 1, blocksize=SAMPLES)
    for stream in streams:
        mixer.add_stream(stream)

    async def hand_over() -> AsyncIterator[Any]:
        async for block in mixer:
            ring.write(block.data)
            yield block

    await _with_readers(clock, [hand_over()], clock.feed(lambda i: streams[i].deliver(clock.frame)))
    await mixer.aclose()


async def _player(clock: _Clock) -> None:
    """On a virtual device of a sound server, in whose environment this runs. Late is what was silent in between."""
    streams = [LiveStream() for _ in range(clock.number)]
    async with livekit_utils.MediaDevices().open_output() as player:
        for stream in streams:
            player.add_stream(stream)
        await player.start()
        await clock.feed(lambda i: streams[i].deliver(clock.frame))
        clock.delays_s += [0.0, player.stats().gap_ms / 1000]


async def _conference(clock: _Clock) -> None:
    """Each hears all the others."""
    streams = [LiveStream() for _ in range(clock.number)]
    mixer = livekit_utils.AudioMixer(_RATE, 1, blocksize=SAMPLES, realtime=True)
    for stream in streams:
        mixer.add_stream(stream)
    outputs: list[AsyncIterator[Any]] = [aiter(mixer.output(without=stream)) for stream in streams]
    await _with_readers(clock, outputs, clock.feed(lambda i: streams[i].deliver(clock.frame)))
    await mixer.aclose()


async def _source(clock: _Clock) -> None:
    """A source and a reader of its own for each stream."""
    package = clock.package
    sources = [package.AudioSource(_RATE, 1) for _ in range(clock.number)]
    streams = [
        package.AudioStream(package.LocalAudioTrack.create_audio_track(f"track {i}", source))
        for i, source in enumerate(sources)
    ]

    async def play(source: Any) -> None:
        while True:
            await source.capture_frame(clock.frame)

    players = [asyncio.ensure_future(play(source)) for source in sources]
    await _with_readers(clock, list(streams), clock.feed(lambda _: None))
    for player in players:
        player.cancel()
    await asyncio.gather(*players, return_exceptions=True)
    for stream in streams:
        await stream.aclose()
    for source in sources:
        await source.aclose()


async def _recorder(clock: _Clock) -> None:
    streams = [LiveStream() for _ in range(clock.number)]
    with tempfile.TemporaryDirectory() as directory:
        async with livekit_utils.Recorder(Path(directory) / "all.wav", num_channels=1) as recorder:
            for stream in streams:
                recorder.add_stream(stream)

            def deliver(i: int) -> None:
                streams[i].deliver(clock.frame)
                if i == 0:
                    clock.arrived(recorder.stats().written_s)

            await clock.feed(deliver)


async def _synchronizer(clock: _Clock) -> None:
    """25 pictures a second with their sound, each synchronizer with sources of its own."""
    package = clock.package
    picture = package.VideoFrame(64, 48, package.VideoBufferType.I420, bytes(64 * 72))
    sound = package.AudioFrame.create(_RATE, 1, _RATE // 25)
    pairs = []

    class Screen:
        count = 0

        def capture_frame(self, _: Any) -> None:
            clock.arrived(self.count / 25)
            self.count += 1

    for _ in range(clock.number):
        audio = package.AudioSource(_RATE, 1)
        pairs.append((package.AVSynchronizer(audio_source=audio, video_source=Screen(), video_fps=25), audio))

    async def push(synchronizer: Any) -> None:
        count = 0
        while True:
            await synchronizer.push(picture, count / 25)
            count += 1
            await synchronizer.push(sound, count / 25)

    pushers = [asyncio.ensure_future(push(pair[0])) for pair in pairs]
    await clock.feed(lambda _: None)
    for pusher in pushers:
        pusher.cancel()
    await asyncio.gather(*pushers, return_exceptions=True)
    for synchronizer, audio in pairs:
        await synchronizer.aclose()
        await audio.aclose()


SUBJECTS: dict[str, Subject] = {
    "only reading": _bare,
    "mixer": _mixer,
    "mixer in two processes": _two_processes,
    "conference": _conference,
    "source": _source,
    "player": _player,
    "recorder": _recorder,
    "synchronizer": _synchronizer,
    "mixer of the SDK": _mixer,
    "source of the SDK": _source,
}


_HALF = "half of a mixer"


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(name: str, number: int, seconds: float) -> Growth:
    package = optional.sdk() if name.endswith(" of the SDK") else livekit_utils
    clock = _Clock(package, number, seconds)
    cpu: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(_WARM_UP_S, lambda: cpu.append(time.process_time()))
        measured = asyncio.Event()

        def end() -> None:
            cpu.append(time.process_time())
            measured.set()

        loop.call_later(_WARM_UP_S + seconds, end)
        await (_half if name == _HALF else SUBJECTS[name])(clock)
        await measured.wait()

    gc.collect()
    before = _resident_bytes()
    asyncio.run(main())
    delays_s = sorted(clock.delays_s)
    return Growth(
        cpu_s=max((cpu[1] - cpu[0]) / seconds, clock.other_cpu_s),
        num_bytes=max(0, _resident_bytes() - before),
        late_p99_s=delays_s[len(delays_s) * 99 // 100] - delays_s[0] if delays_s else 0.0,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
