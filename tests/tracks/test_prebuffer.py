"""AudioSource: speech that comes unevenly is held until it can be played without gaps; sound that begins softly."""

from __future__ import annotations

import asyncio
from typing import Literal

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioSource
from tests.support.randomness import Rand
from tests.support.tape import EXACT, RATE, Tape, constant, now, samples_of, soon
from tests.support.virtual_time import run

# Gaps in the delivery of ten seconds of speech, 212 ms together: when they begin, and how long they are, in seconds.
JERKS = ((1.2, 0.04), (2.9, 0.06), (4.4, 0.032), (6.6, 0.05), (8.3, 0.03))


async def speak(source: AudioSource, seconds: float, jerks: tuple[tuple[float, float], ...] = ()) -> None:
    """Captures in real time, but the sender stops for a while now and then, and never makes up for it."""
    begin, late_s, left = now(), 0.0, list(jerks)
    for i in range(round(seconds * 100)):
        if left and i * 0.01 >= left[0][0]:
            late_s += left.pop(0)[1]
        await asyncio.sleep(max(0.0, begin + i * 0.01 + late_s - now()))
        await source.capture_frame(constant(1 + i))


def gaps_ms(tape: Tape) -> list[float]:
    pairs = zip(tape.times, tape.times[1:], tape.sizes, strict=False)
    return [
        1000 * (after - before - size / RATE) for before, after, size in pairs if after - before > size / RATE + 1e-6
    ]


def test_without_a_prebuffer_every_jerk_is_heard() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        await speak(source, 10, JERKS)
        await source.wait_for_playout()
        assert sum(gaps_ms(tape)) == pytest.approx(212, abs=0.1)
        assert source.stats().num_underruns == len(JERKS)

    run(main())


@pytest.mark.parametrize("prebuffer_ms", [230, 300, "auto"])
def test_speech_that_comes_in_jerks_has_no_gaps(prebuffer_ms: float | Literal["auto"]) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=prebuffer_ms)
        tape = Tape(source)
        begin = now()
        await speak(source, 10, JERKS)
        await source.wait_for_playout()
        assert gaps_ms(tape) == []
        assert tape.times[0] - begin <= 0.3
        assert tape.values == list(range(1, 1001))
        assert source.stats().num_underruns == 0

    run(main())


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.2])
@pytest.mark.parametrize("how", ["flush", "wait_for_playout", "play"])
def test_a_short_utterance_is_not_delayed_beyond_its_end(seconds: float, how: str) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=500)
        tape = Tape(source)
        if how == "play":
            await source.play([constant(1, seconds * 1000)])
            end = now()
        else:
            await speak(source, seconds)
            assert not tape.times
            end = now()
            if how == "flush":
                source.flush()
            await source.wait_for_playout()
        await source.wait_for_playout()
        assert tape.times[0] == pytest.approx(end, abs=EXACT)
        assert sum(tape.sizes) == round(seconds * RATE)

    run(main())


def test_audio_that_comes_faster_than_it_is_played_is_held_no_longer_than_it_takes() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=200)
        tape = Tape(source)
        begin = now()
        for i in range(10):
            await asyncio.sleep(0.01)
            await source.capture_frame(constant(i, 50))
        assert tape.times[0] == pytest.approx(begin + 0.04, abs=EXACT)
        assert source.queued_duration == pytest.approx(0.44, abs=1e-6)
        await source.wait_for_playout()
        tape.assert_on_time()

    run(main())


def test_a_sender_that_stops_at_once_is_heard_after_the_prebuffer() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=100)
        tape = Tape(source)
        begin = now()
        await source.capture_frame(constant(1))
        await asyncio.sleep(1)
        assert tape.times == pytest.approx([begin + 0.1], abs=EXACT)

    run(main())


def test_a_full_queue_is_held_no_longer() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100, prebuffer_ms=100)
        tape = Tape(source)
        await source.capture_frame(constant(1, 95))
        begin = now()
        await soon(source.capture_frame(constant(2, 10)))
        assert tape.times[0] == pytest.approx(begin, abs=EXACT)
        await source.wait_for_playout()
        tape.assert_on_time()

    run(main())


def test_auto_grows_after_an_underrun_and_comes_back_when_the_sender_is_steady() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms="auto")
        assert source.stats().prebuffer_ms == 250
        for _ in range(12):
            await speak(source, 1)
            await source.wait_for_playout()
            await asyncio.sleep(2)
        steady = source.stats()
        assert steady.num_underruns == 0
        assert steady.prebuffer_ms == pytest.approx(20)
        await speak(source, 2, ((1.0, 0.12),))
        await source.wait_for_playout()
        grown = source.stats()
        assert grown.num_underruns == 1
        assert 120 < grown.prebuffer_ms <= 300
        tape = Tape(source)
        await speak(source, 2, ((1.0, 0.12),))
        await source.wait_for_playout()
        assert gaps_ms(tape) == []
        for _ in range(20):
            await speak(source, 1)
            await source.wait_for_playout()
        assert source.stats().prebuffer_ms == pytest.approx(20)

    run(main())


def test_a_pause_between_two_sentences_is_no_underrun() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=50)
        await speak(source, 0.5)
        source.flush()
        await asyncio.sleep(0.8)
        await speak(source, 0.5)
        await asyncio.sleep(0.3)
        await source.wait_for_playout()  # it has been played
        await speak(source, 0.5)
        await asyncio.sleep(1.6)
        await speak(source, 0.5)
        assert source.stats().num_underruns == 0
        await asyncio.sleep(0.5)
        await speak(source, 0.5)
        assert source.stats().num_underruns == 1
        source.clear_queue()
        await asyncio.sleep(0.1)
        await speak(source, 0.5)
        assert source.stats().num_underruns == 1

    run(main())


def test_clear_queue_returns_what_is_held() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=100)
        tape = Tape(source)
        await source.capture_frame(constant(1, 30))
        assert source.queued_duration == pytest.approx(0.03)
        (held,) = source.clear_queue()
        assert held.samples_per_channel == 1440
        assert source.queued_duration == 0
        await source.wait_for_playout()
        assert not tape.times

    run(main())


def test_a_pause_while_audio_is_held() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=100)
        tape = Tape(source)
        await source.capture_frame(constant(1, 30))
        source.pause()
        await asyncio.sleep(1)
        source.flush()
        await asyncio.sleep(1)
        assert not tape.times
        source.resume()
        assert len(tape.times) == 1
        await source.wait_for_playout()
        tape.assert_on_time()

    run(main())


def test_a_close_while_audio_is_held() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=100)
        tape = Tape(source)
        await source.capture_frame(constant(1, 30))
        await source.aclose()
        await asyncio.sleep(1)
        source.flush()
        assert not tape.times
        assert tape.ends == 1

    run(main())


# -- an utterance that begins while the one before is still played -----------------------------------------------------


async def speak_twice(source: AudioSource, tape: Tape, left_s: float, jerks: tuple[tuple[float, float], ...]) -> int:
    """Says 0.5 s at once, and 0.5 s more when so much of it is left to play; returns the gaps in ms, in front of the
    second utterance and within both."""
    await source.capture_frame(constant(1000, 500))
    source.flush()
    await asyncio.sleep(0.5 - left_s)
    await speak(source, 0.5, jerks)
    await source.wait_for_playout()
    assert sum(tape.sizes) == RATE
    return round(1000 * (tape.times[50] - tape.times[0])) - 500


@pytest.mark.parametrize("left_ms", [0, 5, 10, 15, 50, 199, 200, 300])
def test_the_next_utterance_is_held_too_from_its_first_frame_on(left_ms: int) -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=200)
        tape = Tape(source)
        # The jerk is bridged by what is held and what was left.
        gap_ms = await speak_twice(source, tape, left_ms / 1000, ((0.1, 0.15),))
        assert gap_ms == max(0, 200 - left_ms)
        assert sum(gaps_ms(tape)) == pytest.approx(gap_ms, abs=1)
        assert source.stats().num_underruns == 0

    run(main())


def test_the_next_utterance_follows_without_a_gap_if_so_much_of_it_is_there() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=200)
        tape = Tape(source)
        await source.capture_frame(constant(1, 503))
        source.flush()
        await asyncio.sleep(0.48)
        await source.capture_frame(constant(2, 200))
        await source.wait_for_playout()
        tape.assert_on_time()

    run(main())


@pytest.mark.parametrize("when_ms", [5, 60])
@pytest.mark.parametrize("how", ["flush", "release by a full queue", "clear_queue", "pause", "aclose"])
def test_what_ends_the_hold_of_the_next_utterance(how: str, when_ms: float) -> None:
    """Before the one in front of it is over, and after."""

    async def main() -> None:
        source = AudioSource(RATE, 1, 600, prebuffer_ms=200)
        tape = Tape(source)
        await source.capture_frame(constant(1, 500))
        source.flush()
        await asyncio.sleep(0.47)
        await source.capture_frame(constant(2, 20))
        begin = tape.times[0]
        await asyncio.sleep(when_ms / 1000)
        end = max(now(), begin + 0.5)
        if how == "flush":
            source.flush()
        elif how == "release by a full queue":
            await soon(source.capture_frame(constant(3, 600)))
        elif how == "clear_queue":
            source.clear_queue()
            await asyncio.sleep(1)
            assert len(tape.times) == (48 if when_ms == 5 else 50)
            await source.capture_frame(constant(4, 20))
            end = now() + 0.2
        elif how == "pause":
            source.pause()
            await asyncio.sleep(1)
            source.resume()
            end = begin + 1 + 0.47 + 0.2
        elif how == "aclose":
            await source.aclose()
            return
        await source.wait_for_playout() if how == "flush" else await asyncio.sleep(1)
        second = 48 if how == "clear_queue" and when_ms == 5 else 50
        assert tape.times[second] == pytest.approx(end, abs=2 * EXACT)

    run(main())


def test_many_short_utterances_in_the_queue_are_played_without_gaps() -> None:
    """Each is over; the last one is held for the rest of its time, which has passed by then."""

    async def main() -> None:
        source = AudioSource(RATE, 1, prebuffer_ms=100)
        tape = Tape(source)
        for i in range(20):
            await source.capture_frame(constant(1 + i, 13))
            source.flush()
        await source.capture_frame(constant(99, 13))
        await asyncio.sleep(1)
        tape.assert_on_time()
        assert sum(tape.sizes) == 21 * 13 * 48

    run(main())


@pytest.mark.parametrize("queue_size_ms", [0, 50])
def test_no_more_can_be_held_than_is_queued(queue_size_ms: float) -> None:
    with pytest.raises(ValueError, match="prebuffer_ms"):
        AudioSource(RATE, 1, queue_size_ms, prebuffer_ms=60)
    if queue_size_ms:
        assert AudioSource(RATE, 1, queue_size_ms, prebuffer_ms="auto").stats().prebuffer_ms == 50
    else:
        with pytest.raises(ValueError, match="prebuffer_ms"):
            AudioSource(RATE, 1, queue_size_ms, prebuffer_ms="auto")


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("fade_ms", "frame_ms"), [(5, 10), (5, 1), (20, 7), (3, 100)])
def test_sound_that_goes_on_rises_from_silence(channels: int, fade_ms: float, frame_ms: float, rand: Rand) -> None:
    async def main() -> None:
        source = AudioSource(RATE, channels)
        tape = Tape(source)
        total = np.frombuffer(rand.pcm(RATE // 10 * channels), np.int16).reshape(-1, channels)
        size = round(RATE * frame_ms / 1000)
        for start in range(0, len(total), size):
            part = total[start : start + size]
            frame = AudioFrame(part.tobytes(), RATE, channels, len(part))
            await source.capture_frame(frame, fade_in_ms=fade_ms if start == 0 else 0)
            assert bytes(frame.data) == part.tobytes()  # it belongs to the caller
        await source.wait_for_playout()
        played = np.frombuffer(tape.data, np.int16).reshape(-1, channels)
        length = round(RATE * fade_ms / 1000)
        gains = np.minimum(np.arange(len(total)) / length, 1)[:, None]
        assert np.abs(played - total * gains).max() <= 1
        assert np.array_equal(played[length:], total[length:])

    run(main())


def test_a_pause_says_nothing_about_the_sender() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100, prebuffer_ms="auto")
        for _ in range(12):
            await speak(source, 1)
            await source.wait_for_playout()
        assert source.stats().prebuffer_ms == pytest.approx(20)
        speaking = asyncio.create_task(speak(source, 2))
        await asyncio.sleep(0.5)
        source.pause()
        await asyncio.sleep(3)
        source.resume()
        await speaking
        await source.wait_for_playout()
        assert source.stats().prebuffer_ms == pytest.approx(20)
        assert source.stats().num_underruns == 0

    run(main())


def test_a_capture_that_is_cancelled_takes_no_fade_in_with_it() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 20)
        tape = Tape(source)
        await source.capture_frame(constant(10_000, 20))
        waiting = asyncio.create_task(source.capture_frame(constant(10_000, 20), fade_in_ms=5))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await source.capture_frame(constant(10_000, 20), fade_in_ms=5)
        await source.wait_for_playout()
        played = np.frombuffer(tape.data, np.int16)
        assert (played[:960] == 10_000).all()
        assert played[960] == 0
        assert (played[960 + 240 :] == 10_000).all()

    run(main())


def test_what_is_cleared_is_as_it_was_captured() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        await source.capture_frame(constant(10_000, 20), fade_in_ms=15)
        await source.capture_frame(constant(10_000, 20), fade_in_ms=15)
        assert [bytes(frame.data) for frame in source.clear_queue()[-1:]] == [bytes(constant(10_000, 20).data)]
        await asyncio.sleep(0.02)
        num_before = sum(tape.sizes)
        for _ in range(5):
            await source.capture_frame(constant(10_000, 10), fade_in_ms=5)
        returned = source.clear_queue(fade_ms=25)
        await source.wait_for_playout()
        assert sum(tape.sizes) - num_before + len(samples_of(returned)) // 2 == 5 * 480
        num_before = sum(tape.sizes)
        await source.capture_frame(constant(10_000, 40), fade_in_ms=15)
        source.clear_queue(fade_ms=10)
        await source.wait_for_playout()
        played = np.frombuffer(tape.data, np.int16).astype(int)
        assert np.abs(np.diff(played[num_before:])).max() <= 30  # it rises and falls: no step

    run(main())


def test_a_fade_in_of_a_frame_of_another_format_or_a_wrong_time_changes_nothing() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1)
        tape = Tape(source)
        with pytest.raises(ValueError, match="frame"):
            await source.capture_frame(constant(1000, 10, channels=2), fade_in_ms=5)
        with pytest.raises(ValueError, match="fade_in_ms"):
            await source.capture_frame(constant(1000), fade_in_ms=-1)
        await source.capture_frame(constant(1000))
        await source.wait_for_playout()
        assert tape.values == [1000]

    run(main())


@pytest.mark.parametrize("prebuffer_ms", [0, 15, 100, "auto"])
def test_whatever_is_done_every_sample_is_played_or_returned_once(
    prebuffer_ms: float | Literal["auto"], rand: Rand
) -> None:
    async def use() -> None:
        source = AudioSource(RATE, 1, rand.choice([100, 250, 1000]), prebuffer_ms=prebuffer_ms)
        tape = Tape(source)
        num_asked = num_taken = num_returned = 0

        async def capture(ms: float, fade_in_ms: float) -> None:
            nonlocal num_asked, num_taken
            frame = constant(1000, ms)
            num_asked += frame.samples_per_channel
            await source.capture_frame(frame, fade_in_ms=fade_in_ms)
            num_taken += frame.samples_per_channel

        tasks: list[asyncio.Task[None]] = []
        for _ in range(60):
            match rand.choice(["capture", "capture", "capture", "sleep", "clear", "flush", "pause", "cancel", "wait"]):
                case "capture":
                    tasks.append(asyncio.create_task(capture(rand.choice([1, 7, 10, 33]), rand.choice([0, 0, 5, 40]))))
                    await asyncio.sleep(rand.choice([0, 0.01, 0.05]))
                case "sleep":
                    await asyncio.sleep(rand.choice([0.001, 0.0049, 0.01, 0.2]))
                case "clear":
                    num_returned += len(samples_of(source.clear_queue(rand.choice([0, 5, 30])))) // 2
                case "flush":
                    source.flush()
                case "pause":
                    source.pause()
                    await asyncio.sleep(rand.choice([0.001, 0.3]))
                    source.resume()
                case "cancel" if tasks:
                    rand.choice(tasks).cancel()
                case "wait":
                    tasks.append(asyncio.create_task(source.wait_for_playout()))
        await asyncio.gather(*tasks, return_exceptions=True)
        await source.wait_for_playout()
        assert source.queued_duration == 0
        assert num_taken <= sum(tape.sizes) + num_returned <= num_asked

    for _ in range(25):
        run(use())
