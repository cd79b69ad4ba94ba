"""AVSynchronizer: clearing, starting over, closing, cancelling; nobody waits for ever, and nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from livekit_utils import AudioSource, AVSynchronizer, VideoSource
from tests.support.clips import Picture, Show, ends, now, sound, times
from tests.support.randomness import Rand
from tests.support.virtual_time import run

SOON_S = 0.001

# After a clear, the 10 ms that the audio source has handed out are played to their end.


def fresh(**options: Any) -> Show:
    audio = AudioSource(48000, 1)
    watched = Show(None, audio, now())  # type: ignore[arg-type]
    watched.sync = AVSynchronizer(audio_source=audio, video_source=watched, video_fps=30, **options)
    audio._fan_out.attach(watched)
    return watched


async def soon(awaitable: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaitable, SOON_S)


async def crowded(watched: Show) -> list[asyncio.Task[None]]:
    """Its queue full, ten pictures whose pushes wait, and somebody who waits for playout."""
    await watched.sync.push(sound(0.9), 0.9)
    tasks = [asyncio.create_task(watched.sync.push(Picture(10 + i), 10 + i)) for i in range(13)]
    waiter = asyncio.create_task(watched.sync.wait_for_playout())
    await asyncio.sleep(0.1)
    assert sum(task.done() for task in tasks) == 3
    assert not waiter.done()
    return [*tasks[3:], waiter]


def test_clear_releases_all_who_wait_and_shows_nothing_of_it() -> None:
    async def main() -> None:
        watched = fresh()
        waiting = await crowded(watched)
        await soon(watched.sync.clear_queue())
        await soon(asyncio.gather(*waiting))
        assert watched.sync.stats().num_queued_pictures == 0
        assert watched.audio.queued_duration == 0
        # What comes next is on a timeline of its own.
        await watched.push_in_turn(times(500, 502, 30), ends(500, 502))
        await watched.sync.wait_for_playout()
        assert [time for _, time in watched.shown] == times(500, 502, 30)
        assert all(when == pytest.approx(0.1 + time - 500, abs=0.011) for when, time in watched.shown)
        await watched.sync.aclose()
        await watched.audio.aclose()

    run(main())


def test_audio_that_waits_for_room_when_all_is_cleared_counts_no_more() -> None:
    async def main() -> None:
        watched = fresh()
        await watched.sync.push(sound(0.9), 0.9)
        task = asyncio.create_task(watched.sync.push(sound(0.5), 1.4))
        await asyncio.sleep(0.2)
        await watched.sync.clear_queue()
        await soon(task)
        await watched.push_in_turn(times(70, 72, 30), ends(70, 72))
        await watched.sync.wait_for_playout()
        assert all(when == pytest.approx(0.2 + time - 70, abs=0.011) for when, time in watched.shown)
        await watched.sync.aclose()
        await watched.audio.aclose()

    run(main())


def test_reset_forgets_all_timing() -> None:
    async def main() -> None:
        watched = fresh()
        await watched.push_in_turn(times(30, 31, 30), ends(30, 31))
        assert watched.sync.last_video_time > 0
        assert watched.sync.actual_fps > 0
        waiting = await crowded(watched)
        watched.sync.reset()
        await soon(asyncio.gather(*waiting))
        sync = watched.sync
        assert (sync.last_video_time, sync.last_audio_time, sync.actual_fps) == (
            0,
            0,
            0,
        )
        assert sync.stats().num_queued_pictures == 0
        assert watched.audio.queued_duration == 0
        watched.shown.clear()
        start = now() - watched.start
        await watched.push_in_turn(times(0, 1, 30), ends(0, 1))
        await sync.wait_for_playout()
        assert all(when - start == pytest.approx(time, abs=0.011) for when, time in watched.shown)
        await sync.aclose()
        await watched.audio.aclose()

    run(main())


def test_close_releases_all_who_wait() -> None:
    async def main() -> None:
        watched = fresh()
        waiting = await crowded(watched)
        await soon(asyncio.gather(watched.sync.aclose(), watched.sync.aclose()))
        await soon(watched.sync.aclose())
        await watched.audio.wait_for_playout()
        results = await soon(asyncio.gather(*waiting, return_exceptions=True))
        assert results.pop() is None  # who waited for playout
        assert {str(result) for result in results} == {"this AVSynchronizer was closed"}
        for frame in (Picture(0), sound()):
            with pytest.raises(RuntimeError, match="closed"):
                await watched.sync.push(frame, 0)
        await soon(watched.sync.wait_for_playout())
        await watched.sync.clear_queue()
        watched.sync.reset()
        assert watched.shown == []
        # The sources belong to somebody else.
        await soon(watched.audio.capture_frame(sound()))
        await watched.audio.aclose()

    run(main())


def test_close_releases_audio_that_waits() -> None:
    """Its source is full, and paused: nothing else would."""

    async def main() -> None:
        watched = fresh()
        await watched.sync.push(sound(0.9), 0.9)
        watched.audio.pause()
        push = asyncio.create_task(watched.sync.push(sound(0.5), 1.4))
        playout = asyncio.create_task(watched.sync.wait_for_playout())
        cancelled = asyncio.create_task(watched.sync.wait_for_playout())
        await asyncio.sleep(0.1)
        cancelled.cancel()
        await soon(watched.sync.aclose())
        with pytest.raises(RuntimeError, match="was closed"):
            await soon(push)
        await soon(playout)
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        await soon(watched.sync.wait_for_playout())
        assert watched.audio.queued_duration == pytest.approx(0.9)  # it belongs to somebody else
        await watched.audio.aclose()

    run(main())


def test_playout_is_over_when_both_are() -> None:
    """Pictures may be pushed while the last audio is heard, and audio while the last pictures are shown."""

    async def main() -> None:
        watched = fresh()
        await watched.push_audio(ends(0, 0.5))
        playout = asyncio.create_task(watched.sync.wait_for_playout())
        await asyncio.sleep(0.3)
        await watched.push_video([0.4, 0.8])
        await asyncio.sleep(0.4)
        await watched.push_audio(ends(0.7, 1))
        await playout
        assert [time for _, time in watched.shown] == [0.4, 0.8]
        assert now() - watched.start == pytest.approx(1, abs=0.001)
        await watched.sync.aclose()
        await watched.audio.aclose()

    run(main())


@pytest.mark.parametrize("use", [lambda sync: sync.aclose(), lambda sync: sync.clear_queue()])
def test_a_timer_that_was_set_shows_nothing_any_more(
    use: Callable[[AVSynchronizer], Awaitable[None]],
) -> None:
    async def main() -> None:
        watched = fresh()
        await watched.push_audio(ends(0, 0.5))
        await watched.push_video([0.1, 0.2])
        await use(watched.sync)
        await asyncio.sleep(2)
        assert watched.shown == []
        await watched.sync.aclose()
        await watched.audio.aclose()

    run(main())


@pytest.mark.parametrize("turns", range(4))
def test_a_push_that_is_cancelled_when_it_is_taken(turns: int) -> None:
    """There is room, but its task has not gone on yet: the picture is not shown, and the next one takes its place."""

    async def main() -> None:
        watched = fresh()
        await watched.sync.push(sound(0.9), 0.9)
        tasks = [asyncio.create_task(watched.sync.push(Picture(i / 10), i / 10)) for i in range(7)]

        def cancel(left: int) -> None:
            if left:
                asyncio.get_running_loop().call_soon(cancel, left - 1)
            else:
                tasks[4].cancel()

        # Pictures 1 to 3 are in the queue. When the first of them is shown, the fifth push is taken.
        asyncio.get_running_loop().call_at(watched.start + 0.1, cancel, turns)
        await asyncio.gather(*tasks, return_exceptions=True)
        await watched.sync.wait_for_playout()
        shown = [time for _, time in watched.shown]
        assert shown == [i / 10 for i in range(7) if i != 4 or not tasks[4].cancelled()]
        assert watched.sync.stats().num_dropped == 0
        await watched.sync.aclose()
        await watched.audio.aclose()

    run(main())


def test_a_push_that_is_cancelled_while_others_have_their_turn() -> None:
    """There was room because a late picture was shown: the push has not returned yet, and must leave nothing behind."""

    async def main() -> None:
        watched = fresh(video_queue_size_ms=0)
        await watched.sync.push(Picture(0), 0)
        await watched.sync.push(Picture(1), 1)
        asyncio.get_running_loop().block(2)  # type: ignore[attr-defined]
        task = asyncio.create_task(watched.sync.push(Picture(5), 5))
        await asyncio.sleep(0)
        assert [time for _, time in watched.shown] == [0, 1]
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        await watched.sync.wait_for_playout()
        assert [time for _, time in watched.shown] == [0, 1]
        await watched.sync.aclose()
        await watched.audio.aclose()

    run(main())


def test_a_cancelled_push_leaves_no_trace_on_the_timeline() -> None:
    """A picture that never came cannot start the timestamps over."""

    async def main() -> None:
        watched = fresh(video_queue_size_ms=0)
        await watched.sync.push(Picture(10.0), 10.0)
        await watched.sync.push(Picture(10.1), 10.1)
        task = asyncio.create_task(watched.sync.push(Picture(0), 0))
        await asyncio.sleep(0)
        task.cancel()
        await watched.sync.push(Picture(10.6), 10.6)
        await watched.sync.wait_for_playout()
        assert watched.shown == [(pytest.approx(time - 10, abs=0.001), time) for time in (10.0, 10.1, 10.6)]
        await watched.sync.aclose()
        await watched.audio.aclose()

    run(main())


def test_random_cancels_lose_only_what_was_cancelled(rand: Rand) -> None:
    async def main() -> None:
        watched = fresh(late_policy="show")
        tasks = {i: asyncio.create_task(watched.sync.push(Picture(i))) for i in range(300)}
        cancelled = set()
        for _ in range(60):
            await asyncio.sleep(rand.uniform(0, 0.2))
            victim = rand.choice(list(tasks))
            if not tasks[victim].done():
                tasks[victim].cancel()
                cancelled.add(victim)
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await watched.sync.wait_for_playout()
        assert [time for _, time in watched.shown] == [i for i in range(300) if i not in cancelled]
        await watched.sync.aclose()
        await watched.audio.aclose()

    run(main())


def test_a_cancelled_audio_push_keeps_the_time() -> None:
    async def main() -> None:
        watched = fresh()
        await watched.sync.push(sound(0.9), 0.9)
        task = asyncio.create_task(watched.sync.push(sound(0.5), 1.4))
        await asyncio.sleep(0.1)
        task.cancel()
        pushing = asyncio.create_task(watched.push_video(times(0, 3, 30)))
        await watched.push_audio(ends(0.9, 3))
        await pushing
        await watched.sync.wait_for_playout()
        assert all(abs(offset) < 1 for when, offset in watched.offsets_ms() if when > 0.2)
        await watched.sync.aclose()
        await watched.audio.aclose()

    run(main())


def test_nothing_is_left_of_one_that_is_forgotten() -> None:
    async def main() -> list[weakref.ref[Any]]:
        audio, video = AudioSource(48000, 1), VideoSource(2, 2)
        references = []
        for close in (True, False):
            sync = AVSynchronizer(audio_source=audio, video_source=video, video_fps=30)
            await sync.push(sound(0.1), 0.1)
            await sync.push(Picture(0.05), 0.05)
            references.append(weakref.ref(sync))
            if close:
                await sync.aclose()
            del sync
        await asyncio.sleep(1)
        await audio.aclose()
        return references

    references = run(main())
    gc.collect()
    assert [reference() for reference in references] == [None, None]


def test_again_in_a_second_loop() -> None:
    audio = AudioSource(48000, 1)
    watched = Show(None, audio, 1000.0)  # type: ignore[arg-type]
    watched.sync = AVSynchronizer(audio_source=audio, video_source=watched, video_fps=30)  # outside of a loop
    audio._fan_out.attach(watched)

    async def first() -> None:
        await watched.push_audio(ends(0, 0.6))
        await watched.push_video([0.0, 0.1, 0.3])
        await asyncio.sleep(0.2)

    async def second() -> None:
        await watched.push_video([0.4])
        await watched.sync.wait_for_playout()
        await watched.sync.aclose()
        await audio.aclose()

    run(first())
    assert [time for _, time in watched.shown] == [0.0, 0.1]
    watched.start = 1000.0 - 0.2
    run(second())
    assert [time for _, time in watched.shown] == [0.0, 0.1, 0.3, 0.4]
    assert sum(samples for _, samples in watched.heard) == round(0.6 * 48000)


def test_two_loops_at_once_are_refused() -> None:
    async def other(sync: AVSynchronizer) -> None:
        await sync.push(Picture(0))

    async def main() -> None:
        watched = fresh()
        await watched.sync.push(Picture(0))
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, other(watched.sync))
        await watched.sync.aclose()
        await watched.audio.aclose()

    asyncio.run(main())


def test_in_a_with_block() -> None:
    async def main() -> None:
        audio = AudioSource(48000, 1)
        async with AVSynchronizer(audio_source=audio, video_source=VideoSource(2, 2), video_fps=30) as sync:
            assert repr(sync) == "AVSynchronizer(video_fps=30)"
            await sync.push(Picture(0))
        assert repr(sync) == "AVSynchronizer(video_fps=30, closed)"
        await audio.aclose()

    run(main())
