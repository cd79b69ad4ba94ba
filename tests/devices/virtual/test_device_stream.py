"""DeviceStream: the link to an open device is handed over, and taken away."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from livekit_utils import DeviceState
from livekit_utils.devices.backend.memory import GAP_SAMPLES, LATENCY_NS
from livekit_utils.devices.backend.request import DeviceRequest
from livekit_utils.devices.device_state import DeviceStates
from livekit_utils.devices.device_stream import DeviceLink, DeviceStream
from tests.support.sound_card import SoundCard, plug_in, refusal
from tests.support.virtual_time import run


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    return plug_in(monkeypatch, SoundCard())


class Owner:
    """Keeps the link as long as it is told to, and notes the order of events."""

    def __init__(self) -> None:
        self.link: DeviceLink | None = None
        self.events: list[str] = []
        self.stream = DeviceStream(
            DeviceRequest(False, None, None, 48000, 1, 1, 480, 100),
            True,
            on_open=self.on_open,
            on_wake=self.on_wake,
            on_lost=self.on_lost,
        )

    def on_open(self, link: DeviceLink) -> None:
        assert self.link is None
        self.link = link
        self.events.append("open")

    def on_wake(self) -> None:
        assert self.link is not None
        self.events.append("wake")

    def on_lost(self) -> None:
        assert self.link is not None
        self.link = None
        self.events.append("lost")


def test_each_link_is_taken_away_before_the_next_is_handed_over(card: SoundCard) -> None:
    async def main() -> None:
        owner = Owner()
        owner.stream.open()
        assert owner.events == []
        owner.stream.start()
        assert owner.link is owner.stream.link is not None
        assert (owner.link.memory, owner.link.info) == (card.workers[0].memory, card.workers[0].info)
        card.workers[0].lose()
        await asyncio.sleep(0.01)
        assert owner.events == ["open", "lost"]
        await asyncio.sleep(0.5)
        assert owner.link is not None
        assert owner.link.memory is card.workers[1].memory
        await owner.stream.aclose()
        await owner.stream.aclose()
        assert [event for event in owner.events if event != "wake"] == ["open", "lost"] * 2
        assert owner.stream.link is None

    run(main())


@pytest.mark.parametrize("refusals", [0, 3])
def test_what_was_lost_is_freed_at_once(card: SoundCard, refusals: int) -> None:
    """Its memory and files do not wait for the garbage collector."""

    async def main() -> None:
        owner = Owner()
        owner.stream.open()
        owner.stream.start()
        await asyncio.sleep(1)
        lost = weakref.ref(card.workers[0])
        card.refusals = [refusal() for _ in range(refusals)]
        card.workers[0].lose()
        card.workers.clear()
        gc.disable()
        try:
            await asyncio.sleep(5)
            assert len(card.workers) == 1
            assert lost() is None
        finally:
            gc.enable()
        await owner.stream.aclose()

    run(main())


@pytest.mark.parametrize("opened", [False, True])
def test_without_a_start_nobody_is_called(card: SoundCard, opened: bool) -> None:
    async def main() -> None:
        owner = Owner()
        if opened:
            owner.stream.open()
        else:
            owner.stream.start()
        await owner.stream.aclose()
        owner.stream.start()
        assert owner.events == []
        assert [worker.num_closed for worker in card.workers] == [1] * opened

    run(main())


def test_figures_outlive_their_device(card: SoundCard) -> None:
    async def main() -> None:
        owner = Owner()
        assert (owner.stream.latency, owner.stream.gap_ms) == (0, 0)
        owner.stream.open()
        owner.stream.start()
        card.workers[0].memory.words[GAP_SAMPLES] = 4800
        assert (owner.stream.latency, owner.stream.gap_ms) == (0.02, 100)
        card.sample_rate = 24000  # the one that comes next
        card.workers[0].lose()
        await asyncio.sleep(0.5)
        card.workers[1].memory.words[GAP_SAMPLES] = 4800
        card.workers[1].memory.words[LATENCY_NS] = 30_000_000
        assert (owner.stream.latency, owner.stream.gap_ms) == (0.03, 300)
        await owner.stream.aclose()
        assert (owner.stream.latency, owner.stream.gap_ms) == (0, 300)

    run(main())


@pytest.mark.parametrize("wrong", [None, 1, "print"])
def test_a_listener_that_cannot_be_called_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="listener: expected a callable, got"):
        DeviceStates("speaker").listen(wrong)


def test_a_listener_that_fails_does_not_keep_the_others_waiting() -> None:
    states, seen = DeviceStates("speaker"), []

    def fail(change: Any) -> None:
        raise OSError

    states.listen(fail)
    stop = states.listen(lambda change: seen.append(change.state))
    states.become(DeviceState.RUNNING, "opened", "desk")
    states.become(DeviceState.RUNNING, "again", "desk")
    stop()
    stop()
    states.become(DeviceState.CLOSED, "closed", "desk")
    assert seen == [DeviceState.RUNNING]
