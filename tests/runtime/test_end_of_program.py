"""Programs that end without closing what they opened, and children that are forked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from livekit_utils import AudioFrame, AudioMixer

UNCLOSED = """
import asyncio, gc, sys
from livekit_utils import AudioFrame, AudioMixer, AudioSource, AudioStream, AVSynchronizer, LocalAudioTrack
from livekit_utils import Recorder, VideoFrame, VideoSource

class Stream:
    def __aiter__(self):
        return self.frames()

    async def frames(self):
        yield AudioFrame.create(48000, 1, 480)
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(0)

async def main():
    mixer, source = AudioMixer(48000, 1, stream_timeout_ms=1e6), AudioSource(48000, 1)
    recorder = Recorder(sys.argv[2])
    for _ in range(3):
        mixer.add_stream(Stream())
        recorder.add_stream(Stream())
    streams = [AudioStream(LocalAudioTrack.create_audio_track("x", source)) for _ in range(2)]
    sync = AVSynchronizer(audio_source=source, video_source=VideoSource(4, 2), video_fps=25)
    for _ in range(3):
        await sync.push(VideoFrame(4, 2, 0, bytes(32)))
        await sync.push(AudioFrame.create(48000, 1, 480))
    await asyncio.sleep(0.05)
    return mixer, recorder, source, streams, sync

async def collect():
    gc.collect()

loop = asyncio.new_event_loop()
kept = loop.run_until_complete(main())
if sys.argv[1] == "kept":
    pass
elif sys.argv[1] == "dropped":
    del kept
    gc.collect()
elif sys.argv[1] == "without the loop":
    del kept, loop
    gc.collect()
else:
    del kept, loop
    asyncio.run(collect())
"""


@pytest.mark.parametrize("how", ["kept", "dropped", "without the loop", "without the loop, in another one"])
def test_a_loop_that_is_not_closed_makes_no_noise(run_python: Callable[..., Any], tmp_path: Path, how: str) -> None:
    process = run_python("-c", UNCLOSED, how, str(tmp_path / "call.wav"))
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def test_a_reader_that_is_collected_has_no_stream_that_ended() -> None:
    """To have ended, it would make the mixer mix, without a loop."""

    class Stream:
        async def __aiter__(self) -> AsyncIterator[AudioFrame]:
            yield AudioFrame.create(48000, 1, 480)
            await asyncio.sleep(1000)

    async def main() -> AudioMixer:
        mixer = AudioMixer(48000, 1, stream_timeout_ms=1e6)
        for stream in streams:
            mixer.add_stream(stream)
        await asyncio.sleep(0.01)
        return mixer

    streams = [Stream() for _ in range(3)]
    loop = asyncio.new_event_loop()
    mixer = loop.run_until_complete(main())
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.get_coro().close()
        task.cancel()
    are_over = [mixer._streams.find(stream).ended for stream in streams]
    results = loop.run_until_complete(asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10))
    loop.close()
    assert len(results) == 3
    assert are_over == [False] * 3


FORKED = """
import os, sys, threading
from livekit_utils._runtime import threads
threads._GRACE_S = 1000
release = threading.Event()
threads.start_thread("wait", release.wait)
threads._ended.acquire()
child = os.fork()
if not child:
    threads.start_thread("work", lambda: None)
    sys.exit(7)
threads._ended.release()
_, status = os.waitpid(child, 0)
release.set()
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_waits_for_no_thread_of_its_parent(run_python: Callable[..., Any]) -> None:
    process = run_python("-W", "ignore", "-c", FORKED, timeout=60)
    assert (process.returncode, process.stdout, process.stderr) == (0, "7\n", "")
