"""MediaPlayer: files that are damaged, cut off, unreadable or none; closing at any point."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import os
import sys
import threading
import time
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioStream, MediaPlayer, VideoStream
from tests.support.decoding import no_thread_is_left, nothing_is_left, run, run_from
from tests.support.media_files import FPS, RATE, Audience, Clip, now, play_all, stamp
from tests.support.randomness import Rand

av = pytest.importorskip("av")


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


# -- what is no media file --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"no media", bytes(100_000), b"\x00\x00\x00\x20ftypisom" + bytes(1000), b"RIFF"])
def test_no_media(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with nothing_is_left(), pytest.raises(ValueError, match=r"clip\.mp4"):
        MediaPlayer(path)
    with pytest.raises(ValueError, match="BytesIO"):
        MediaPlayer(io.BytesIO(data))


def test_pictures_with_which_ffmpeg_ends_the_process(tmp_path: Path, run_python: Any) -> None:
    """In a process of its own, because it is that which must not end."""
    path = tmp_path / "camera.nut"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 8, 5, "bayer_rggb8"
        picture = av.VideoFrame(8, 5, "bayer_rggb8")
        picture.pts = 0
        output.mux([*stream.encode(picture), *stream.encode(None)])
    code = (
        "import asyncio, sys\nfrom livekit_utils import MediaPlayer\n"
        "async def main():\n    async with MediaPlayer(sys.argv[1]) as player:\n"
        "        await player.play()\n        await player.wait_for_playout()\n"
        "asyncio.run(main())"
    )
    done = run_python("-c", code, str(path))
    assert done.returncode == 1, done
    assert f"{path}: expected pictures that FFmpeg can convert, got bayer_rggb8 of 8 x 5" in done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for file in (tmp_path / "nothing.mp4", str(tmp_path / "nothing.mp4"), "http://localhost/clip.mp4"):
        with pytest.raises(FileNotFoundError):
            MediaPlayer(file)
    with pytest.raises(IsADirectoryError):
        MediaPlayer(tmp_path)


def test_a_pipe() -> None:
    reader, writer = os.pipe()
    os.close(writer)
    with os.fdopen(reader, "rb") as file, pytest.raises(ValueError, match="expected a file to seek in, got a pipe"):
        MediaPlayer(file)


def test_a_playlist_names_no_other_file(tmp_path: Path) -> None:
    secret = Clip(seconds=None).write(tmp_path / "secret.wav")
    for name, text in {
        "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{secret}\n#EXT-X-ENDLIST\n",
        "list.ffconcat": f"ffconcat version 1.0\nfile '{secret.name}'\n",
    }.items():
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(ValueError, match=name):
            MediaPlayer(path)


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[video\]"'):
        MediaPlayer(tmp_path / "clip.mp4")


def test_a_place_beyond_the_end(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")
    with nothing_is_left(), pytest.raises(ValueError, match=r"start_s: expected a number from 0 to 2, got 3"):
        MediaPlayer(path, start_s=3)

    async def main() -> None:
        async with MediaPlayer(path) as player:
            with pytest.raises(ValueError, match=r"seconds: expected a number from 0 to 2, got 2\.5"):
                await player.seek(2.5)

    run(main())


# -- what is damaged --------------------------------------------------------------------------------------------------


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def with_index_in_front(path: Path) -> Clip:
    return Clip(seconds=8, sound_s=8, video="mpeg4", audio="aac", options={"movflags": "faststart"})


@pytest.mark.parametrize("loop", [False, True])
def test_a_file_that_was_cut_off(tmp_path: Path, loop: bool, caplog: pytest.LogCaptureFixture) -> None:
    """What is there is played, and then the error is raised; also where it would go on for ever."""
    path = cut(with_index_in_front(tmp_path).write(tmp_path / "clip.mp4"), 0.6)

    async def main() -> None:
        async with MediaPlayer(path, loop=loop) as player:
            audience = Audience(player)
            await player.play()
            audience.start = now()
            with pytest.raises(ValueError, match=r"clip\.mp4: damaged or cut off: expected \w+ up to 8\.0"):
                await player.wait_for_playout()
            with pytest.raises(ValueError, match="cut off"):
                await player.wait_for_playout()
            assert now() - audience.start > 3
            assert len(audience.shown) > 3 * FPS
            assert player.stats().num_errors == 1
            await player.seek(1)  # what is there can be played again
            await asyncio.sleep(1)
            assert audience.numbers()[-1] in (49, 50)
            assert player.stats().num_errors == 1

    run(main())
    assert len(errors(caplog)) <= 3  # the error, and a packet of each kind that was cut


def test_damaged_packets_are_left_out(tmp_path: Path, rand: Rand, caplog: pytest.LogCaptureFixture) -> None:
    """Playing goes on, in time, and it is logged and counted."""
    clip = Clip(seconds=4, sound_s=4, video="ffv1", audio="flac", gop=1)
    path = clip.write(tmp_path / "100 %d clip.mkv")
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux() if packet.size]
    for packet in rand.sample(packets[4:-4], 20):
        at = data.find(bytes(packet))
        data[at : at + packet.size] = rand.randbytes(packet.size)
    path.write_bytes(data)
    player = MediaPlayer(path)
    audience = run(play_all(player))
    stats = player.stats()
    assert stats.num_damaged > 0
    assert stats.num_errors == 0
    assert player.position_s == pytest.approx(4, abs=0.1)
    # What a damaged picture shows is anything, but it is shown in its time.
    assert max(abs(when - round(when * FPS) / FPS) for when, _ in audience.shown) < 0.003
    assert len(audience.shown) >= 4 * FPS - 20
    assert 1 <= len(errors(caplog)) <= 10
    assert "100 %d clip.mkv: cannot decode a packet of" in caplog.text


def test_bytes_that_are_wrong_anywhere(tmp_path: Path, rand: Rand) -> None:
    """Whatever comes, it ends: played, or with an error that says so."""
    clips = [
        (Clip(seconds=1, sound_s=1, video="mpeg4", audio="aac"), ".mp4"),
        (Clip(seconds=1, sound_s=1), ".mkv"),
        (Clip(seconds=1, sound_s=1, video="mpeg4", audio="mp2"), ".ts"),
        (Clip(seconds=1, sound_s=1, video="mpeg4"), ".avi"),
    ]

    async def main(data: bytes) -> None:
        try:
            player = MediaPlayer(io.BytesIO(data))
        except ValueError:
            return
        async with player:
            await player.play()
            try:
                async with asyncio.timeout(3600):
                    await player.wait_for_playout()
            except ValueError:
                pass

    with nothing_is_left():
        for clip, suffix in clips:
            data = clip.bytes(tmp_path, suffix).getvalue()
            for _ in range(12):
                broken = bytearray(data)
                for _ in range(rand.choice([1, 10, 100])):
                    broken[rand.randrange(len(data))] = rand.randrange(256)
                run(main(bytes(broken[: rand.choice([len(data), rand.randrange(len(data))])])))


class Failing(io.BytesIO):
    """A file whose disk fails after some reads."""

    fails_after = 10**9

    def read(self, size: int | None = -1, /) -> bytes:
        self.fails_after -= 1
        if self.fails_after < 0:
            raise OSError(5, "the disk is gone")
        return super().read(min(size or 1, 4000))


def test_a_file_that_cannot_be_read_any_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = Failing(Clip(seconds=20, sound_s=20).bytes(tmp_path).getvalue())

    async def main() -> None:
        async with MediaPlayer(file) as player:
            audience = Audience(player)
            await player.play()
            await asyncio.sleep(2)
            file.fails_after = 0
            waiting = [asyncio.create_task(player.wait_for_playout()) for _ in range(2)]
            for task in waiting:
                with pytest.raises(OSError, match="the disk is gone"):
                    await task
            assert len(audience.shown) >= 2 * FPS
            with pytest.raises(OSError, match="the disk is gone"):
                await player.seek(1)
            file.fails_after = 10**9
            await player.seek(19)
            await player.wait_for_playout()
            assert audience.numbers()[-1] == 20 * FPS - 1
            assert player.stats().num_errors == 2

    run(main())
    assert len(errors(caplog)) == 2


def test_a_file_that_fails_when_it_is_opened(tmp_path: Path) -> None:
    file = Failing(Clip(seconds=1, sound_s=1).bytes(tmp_path).getvalue())
    for after in range(100):
        file.fails_after = after
        try:
            player = MediaPlayer(file)
        except OSError:
            continue
        assert after > 3
        run(player.aclose())
        return
    raise AssertionError("it cannot be opened")


def test_a_file_that_is_deleted_meanwhile(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")

    async def main() -> None:
        async with MediaPlayer(path, loop=True) as player:
            audience = Audience(player)
            path.unlink()
            await player.play()
            await asyncio.sleep(7)
            assert len(audience.shown) == pytest.approx(7 * FPS, abs=2)

    run(main())


# -- closing ----------------------------------------------------------------------------------------------------------


async def everything(player: MediaPlayer) -> None:
    await player.play()
    await asyncio.sleep(0.1)
    await player.seek(1)
    player.pause()
    await asyncio.sleep(0.1)
    await player.seek(0.5)
    player.resume()
    await player.wait_for_playout()
    await player.play()
    await asyncio.sleep(0.2)


@pytest.mark.parametrize("ending", ["close", "cancel"])
def test_closed_and_cancelled_at_every_point(tmp_path: Path, ending: str) -> None:
    path = Clip(seconds=1.5, sound_s=1.4).write(tmp_path / "clip.mkv")

    async def main(steps: int) -> None:
        player = MediaPlayer(path)
        task = asyncio.create_task(everything(player))
        for _ in range(steps):
            await asyncio.sleep(0)
        await asyncio.sleep(steps % 7 * 0.05)
        if ending == "cancel":
            task.cancel()
            await asyncio.wait([task])
            await player.aclose()
        else:
            await player.aclose()
            if not task.done():
                await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()) is not None:
                assert isinstance(error, RuntimeError)
                assert "closed" in str(error)
        await player.aclose()
        assert "closed" in repr(player)

    with nothing_is_left():
        for steps in range(40):
            run(main(steps))


def test_a_close_that_is_cancelled(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")

    async def main(steps: int) -> None:
        player = MediaPlayer(path)
        await player.play()
        task = asyncio.create_task(player.aclose())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await player.aclose()

    with nothing_is_left():
        for steps in range(8):
            run(main(steps))


def test_a_close_ends_the_streams_and_all_who_wait(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")

    async def count(stream: Any) -> int:
        return len([event async for event in stream])

    async def main() -> None:
        player = MediaPlayer(path, loop=True)
        assert player.audio is not None
        assert player.video is not None
        streams = [AudioStream(player.audio), VideoStream(player.video)]
        reading = [asyncio.create_task(count(stream)) for stream in streams]
        await player.play()
        waiting = [asyncio.create_task(player.wait_for_playout()) for _ in range(3)]
        await asyncio.sleep(1.01)
        await asyncio.gather(*[player.aclose() for _ in range(3)], *waiting)
        frames, pictures = await asyncio.gather(*reading)
        assert frames == pytest.approx(101, abs=2)
        assert pictures == pytest.approx(26, abs=1)
        for stream in streams:
            await stream.aclose()
        await player.wait_for_playout()
        for call in (player.play, lambda: player.seek(0)):
            with pytest.raises(RuntimeError, match="this MediaPlayer is closed"):
                await call()
        for sync in (player.pause, player.resume):
            with pytest.raises(RuntimeError, match="this MediaPlayer is closed"):
                sync()
        assert player.position_s == pytest.approx(1.01, abs=0.02)
        assert player.stats().num_pictures == pictures

    with nothing_is_left():
        run(main())


def test_a_seek_under_way_raises_where_it_is_closed(tmp_path: Path) -> None:
    class Held(io.BytesIO):
        """A file whose reads wait."""

        gate = threading.Event()
        held = threading.Event()

        def read(self, size: int | None = -1, /) -> bytes:
            if not self.gate.is_set():
                self.held.set()
                assert self.gate.wait(10)
            return super().read(size)

    file = Held(Clip(seconds=10, sound_s=10).bytes(tmp_path).getvalue())
    file.gate.set()

    async def main() -> None:
        player = MediaPlayer(file)
        await player.play()
        file.gate.clear()
        file.held.clear()
        seek = asyncio.create_task(player.seek(9))
        assert await asyncio.to_thread(file.held.wait, 10)
        closing = asyncio.create_task(player.aclose())
        with pytest.raises(RuntimeError, match="closed"):
            await seek
        assert not closing.done()  # the file is in use
        file.gate.set()
        await closing
        assert not file.closed  # it is the caller's

    with nothing_is_left():
        asyncio.run(main())


def test_decoding_never_blocks_the_loop(tmp_path: Path) -> None:
    """A file whose reads take long: the loop goes on meanwhile, and nothing is lost."""

    class Slow(io.BytesIO):
        slow = False

        def read(self, size: int | None = -1, /) -> bytes:
            if self.slow:
                assert threading.current_thread() is not threading.main_thread()
                time.sleep(0.002)
            return super().read(size)

    file = Slow(Clip(seconds=0.6, sound_s=0.6).bytes(tmp_path).getvalue())

    async def main() -> None:
        async with MediaPlayer(file) as player:
            file.slow = True
            audience = Audience(player)
            await player.play()
            await player.seek(0.2)
            await player.wait_for_playout()
            assert audience.numbers()[-1] == 14

    asyncio.run(main())


@pytest.mark.parametrize("begin_s", [0.0, 1000.0, 8000.0])
def test_a_second_loop_goes_on(tmp_path: Path, begin_s: float) -> None:
    """Where an earlier loop stopped, with the pictures that were not shown, whatever the time of the new one."""
    path = Clip(seconds=0.6, sound_s=0.6).write(tmp_path / "clip.mkv")
    player = MediaPlayer(path)
    shown: list[int] = []

    async def once() -> None:
        audience = Audience(player)
        await player.play()
        await asyncio.sleep(0.1)
        shown.extend(audience.numbers())

    async def rest() -> None:
        audience = Audience(player)
        await player.play()
        await player.wait_for_playout()
        shown.extend(audience.numbers())
        await player.aclose()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_from(1000.0, once())
        run_from(begin_s, once())
        run_from(1000.0, rest())
    assert sorted(set(shown)) == list(range(15))
    assert len(shown) <= 15 + 4  # the picture of the place is shown again
    assert no_thread_is_left()


def test_tasks_that_others_cancel(tmp_path: Path) -> None:
    """A program may cancel all tasks but its own: playing goes on with the next call."""
    path = Clip().write(tmp_path / "clip.mkv")

    async def main() -> None:
        async with MediaPlayer(path) as player:
            audience = Audience(player)
            await player.play()
            await asyncio.sleep(0.5)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(1)
            at = player.position_s  # where the sound ended that the source had
            await player.wait_for_playout()
            assert np.array_equal(audience.samples, stamp(np.arange(2 * RATE)))
            count = 2 * FPS - int(at * FPS + 0.01)
            assert audience.numbers()[-count:] == list(range(2 * FPS - count, 2 * FPS))

    with nothing_is_left():
        run(main())


def test_made_in_a_thread_and_never_used(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")

    async def main() -> None:
        async with await asyncio.to_thread(MediaPlayer, path) as player:
            assert player.duration_s == pytest.approx(2, abs=0.01)

    with nothing_is_left():
        asyncio.run(main())
        asyncio.run(MediaPlayer(path).aclose())
        player = MediaPlayer(path)
        reference = weakref.ref(player)
        players = [player]
        del player
        with pytest.warns(ResourceWarning, match="not closed"):
            players.clear()
        gc.collect()
        assert reference() is None


def test_nothing_is_kept_after_the_close(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")

    async def main() -> weakref.ref[MediaPlayer]:
        async with MediaPlayer(path) as player:
            await player.play()
            await asyncio.sleep(0.5)
        return weakref.ref(player)

    reference = run(main())
    gc.collect()
    assert reference() is None


def test_another_loop_is_refused(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")

    async def main() -> None:
        async with MediaPlayer(path) as player:
            await player.play()

            def elsewhere() -> None:
                for call in (player.play, player.wait_for_playout, lambda: player.seek(1), player.aclose):
                    with pytest.raises(RuntimeError, match="another event loop, which is running"):
                        asyncio.run(call())

            await asyncio.to_thread(elsewhere)

    asyncio.run(main())


def test_memory_stays_the_same_over_many_seeks_and_laps(tmp_path: Path) -> None:
    path = Clip(seconds=0.4, sound_s=0.37).write(tmp_path / "clip.mkv")

    async def main() -> None:
        async with MediaPlayer(path, loop=True) as player:
            await player.play()
            counts = []
            for _ in range(4):
                for _ in range(20):
                    await player.seek(0.2)
                    await asyncio.sleep(0.3)
                gc.collect()
                counts.append(len(gc.get_objects()))
            assert counts[-1] - counts[1] < 200

    with nothing_is_left():
        run(main())


def test_samples_before_and_after_the_error_are_those_of_the_file(tmp_path: Path) -> None:
    file = Failing(Clip(seconds=None, sound_s=20).bytes(tmp_path, ".wav").getvalue())

    async def main() -> None:
        async with MediaPlayer(file) as player:
            audience = Audience(player)
            await player.play()
            await asyncio.sleep(3)
            file.fails_after = 0
            with pytest.raises(OSError, match="gone"):
                await player.wait_for_playout()
            count = len(audience.samples)
            assert count >= 3 * RATE
            assert np.array_equal(audience.samples, stamp(np.arange(count)))

    run(main())


def test_pictures_that_cannot_be_decoded_leave_the_sound(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = Clip(seconds=1, sound_s=1).write(tmp_path / "clip.mkv")
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.size:
                at = data.find(bytes(packet))
                data[at : at + packet.size] = bytes(packet.size)
    player = MediaPlayer(io.BytesIO(bytes(data)))
    assert player.video is None
    assert np.array_equal(run(play_all(player)).samples, stamp(np.arange(RATE)))
    assert "MediaPlayer: BytesIO: expected video, got none that can be decoded" in caplog.text
