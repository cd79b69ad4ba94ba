"""The beginning and the end of an OutputPlayer, and what it refuses."""

from __future__ import annotations

import asyncio
import math

import pytest

from livekit_utils import DeviceError, DeviceState, OutputPlayer
from tests.support.sound_card import SoundCard, plug_in, refusal
from tests.support.speakers import BLOCK, RATE, at_once, in_time, player, ramp
from tests.support.virtual_time import run


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    return plug_in(monkeypatch, SoundCard())


def test_start_reports_what_is_wrong_and_may_be_repeated(card: SoundCard) -> None:
    async def main() -> None:
        speaker = player()
        card.refusals = [refusal("there is no output device")]
        with pytest.raises(DeviceError, match="no output device") as caught:
            await speaker.start()
        assert caught.value.code == -9996
        await asyncio.gather(speaker.start(), speaker.start())
        await speaker.start()
        assert len(card.workers) == 1
        await speaker.aclose()
        await speaker.aclose()
        assert card.workers[0].num_closed == 1
        assert speaker.state is DeviceState.CLOSED
        for call in (lambda: speaker.add_track(None), lambda: speaker.add_stream(at_once(ramp(1)))):
            with pytest.raises(RuntimeError, match="closed"):
                call()
        with pytest.raises(RuntimeError, match="closed"):
            await speaker.start()
        await speaker.wait_for_playout()
        assert [change async for change in speaker.state_changes()] == []

    run(main())


def test_a_start_that_is_cancelled_or_overtaken_by_the_end(card: SoundCard) -> None:
    async def main() -> None:
        speaker = player()
        starting = asyncio.create_task(speaker.start())
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert starting.cancelled()
        await speaker.start()
        assert speaker.state is DeviceState.OPENING
        await asyncio.sleep(0.1)
        assert speaker.state is DeviceState.RUNNING
        assert len(card.workers) == 1
        await speaker.aclose()
        speaker = player()
        starting = asyncio.create_task(speaker.start())
        await asyncio.sleep(0)
        await speaker.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await starting
        assert [worker.num_closed for worker in card.workers] in ([1, 1], [1])

    run(main())


def test_close_releases_all_who_wait(card: SoundCard) -> None:
    async def main() -> None:
        speaker = player()
        speaker.add_stream(in_time(ramp(RATE)))
        await speaker.start()
        waiting = [asyncio.create_task(speaker.wait_for_playout()) for _ in range(3)]

        async def changes() -> None:
            async for _ in speaker.state_changes():
                pass

        waiting.append(asyncio.create_task(changes()))
        await asyncio.sleep(0.1)
        waiting[0].cancel()
        closing = asyncio.create_task(speaker.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        await speaker.aclose()
        await asyncio.wait_for(asyncio.gather(*waiting[1:]), 0.1)
        assert card.workers[0].num_closed == 1

    run(main())


def test_arguments_by_position_and_by_name(card: SoundCard) -> None:
    """By position as documented, by name as the SDK takes them."""
    loop = asyncio.new_event_loop()
    loop.close()
    players = [
        OutputPlayer(),
        OutputPlayer(loop, 48000, 1, None, None, None),
        OutputPlayer(
            sample_rate=48000,
            num_channels=1,
            blocksize=4800,
            apm_for_reverse=None,
            output_device=None,
            delay_estimator=None,
        ),
    ]
    for made in players:
        assert (made._sample_rate, made._num_channels) == (48000, 1)


def test_wrong_arguments(card: SoundCard) -> None:
    for arguments in ((0, 1), (48000, 0), (48000, 65), (500, 1)):
        with pytest.raises(ValueError, match="expected"):
            OutputPlayer(None, *arguments, None)
    with pytest.raises(TypeError, match="loop: expected an AbstractEventLoop, got 48000"):
        OutputPlayer(48000, 1)  # type: ignore[arg-type]
    for buffer_ms in (-1, math.nan, 1e9):
        with pytest.raises(ValueError, match="buffer_ms"):
            OutputPlayer(None, 48000, 1, None, buffer_ms=buffer_ms)

    async def main() -> None:
        async with player() as speaker:
            with pytest.raises(TypeError, match="track"):
                speaker.add_track("voice")
            with pytest.raises(TypeError, match="async iterable"):
                speaker.add_stream([1, 2])  # type: ignore[arg-type]
            stream = at_once(ramp(BLOCK))
            speaker.add_stream(stream)
            with pytest.raises(ValueError, match="already"):
                speaker.add_stream(stream)
            speaker.remove_stream(stream)
            with pytest.raises(ValueError, match="not being played"):
                speaker.remove_stream(stream)
            with pytest.raises(ValueError, match="fade_ms"):
                speaker.clear(fade_ms=-1)

    run(main())


@pytest.mark.usefixtures("card")
def test_of_a_stream_that_has_ended_removing_is_no_error() -> None:
    async def main() -> None:
        async with player() as speaker:
            stream = at_once(ramp(BLOCK))
            speaker.add_stream(stream)
            await speaker.start()
            await speaker.wait_for_playout()
            speaker.remove_stream(stream)
            speaker.remove_stream(stream)
            with pytest.raises(ValueError, match="not being played"):
                speaker.remove_stream(at_once(ramp(BLOCK)))

    run(main())
