"""The device that was chosen outlives every substitute, and states say what is true, on scripted hardware."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from livekit_utils import AudioStream, DeviceState, DeviceStateChange, InputCapture, LocalAudioTrack, MediaDevices
from livekit_utils.devices.output_player import OutputPlayer
from tests.support.scripted_hardware import Device, Hardware
from tests.support.sound_card import plug_in
from tests.support.virtual_time import run

PLAIN: dict[str, Any] = dict.fromkeys(
    ("enable_aec", "noise_suppression", "high_pass_filter", "auto_gain_control"), False
)
RUNNING, LOST, RECOVERED = DeviceState.RUNNING, DeviceState.LOST, DeviceState.RECOVERED


class Watched:
    """An open device, and what it says of its states."""

    def __init__(self, device: InputCapture | OutputPlayer) -> None:
        self.device = device
        self.changes: list[DeviceStateChange] = []
        device.on_state_change(self.changes.append)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(change.state.value, change.device) for change in self.changes]


@asynccontextmanager
async def opened(side: str, device: int | str | None, **options: Any) -> AsyncIterator[Watched]:
    devices = MediaDevices(blocksize=480)
    if side == "input":
        capture = await devices.aopen_input(**(PLAIN | options), input_device=device)
        try:
            yield Watched(capture)
        finally:
            await capture.aclose()
            await capture.source.aclose()
        return
    async with devices.open_output(output_device=device) as player:
        watched = Watched(player)
        await player.start()
        yield watched


def machine(monkeypatch: pytest.MonkeyPatch, *devices: Device) -> Hardware:
    hardware = Hardware(*devices)
    plug_in(monkeypatch, hardware)
    return hardware


both_sides = pytest.mark.parametrize("side", ["input", "output"])


# -- the choice --------------------------------------------------------------------------------------------------------


@both_sides
def test_a_substitute_takes_over_and_the_device_chosen_is_taken_back(
    side: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    headset, built_in = Device("headset"), Device("built-in", is_default=True)
    hardware = machine(monkeypatch, headset, built_in)

    async def main() -> None:
        async with opened(side, "headset") as watched:
            await asyncio.sleep(10)
            hardware.plug_out(headset)
            await asyncio.sleep(2.9)
            assert watched.said == [("running", "headset"), ("lost", "headset")]
            await asyncio.sleep(1.5)
            assert watched.said[2:] == [("recovered", "built-in")]
            assert watched.changes[-1].is_substitute
            assert watched.device.stats().is_substitute
            assert "in place of 'headset'" in watched.device.reason
            # It is looked for all the time, and nothing is said of that.
            hardware.asked.clear()
            await asyncio.sleep(120)
            assert {request.device for _, request in hardware.asked} == {"headset"}
            times = [at for at, _ in hardware.asked]
            assert all(1 <= later - at <= 2.1 for at, later in pairwise(times))
            assert len(times) > 55
            assert len(watched.changes) == 3
            headset.present = True
            await asyncio.sleep(3)
            assert watched.said[3:] == [("recovered", "headset")]
            change = watched.changes[-1]
            assert (change.previous, change.is_substitute) == (RECOVERED, False)
            assert "taken back from 'built-in'" in change.reason
            assert (watched.device.state, watched.device.device) == (RECOVERED, "headset")
            stats = watched.device.stats()
            assert (stats.device, stats.is_substitute, stats.num_reopened) == ("headset", False, 2)
            # It is not looked for any more, and only one is open.
            hardware.asked.clear()
            await asyncio.sleep(100)
            assert hardware.asked == []
            assert [worker.device.name for worker in hardware.workers if not worker.num_closed] == ["headset"]

    with caplog.at_level(logging.INFO, "livekit_utils"):
        run(main())
    said = [record.getMessage() for record in caplog.records if record.name == "livekit_utils"]
    assert [line.split(": ")[1] for line in said] == ["running", "lost", "recovered", "recovered", "closed"]
    assert all(worker.num_closed == 1 for worker in hardware.workers)


def test_what_is_heard_comes_from_the_microphone_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    headset, built_in = Device("headset", 1), Device("built-in", 2, is_default=True)
    hardware = machine(monkeypatch, headset, built_in)

    async def main() -> None:
        async with opened("input", "headset") as watched:
            assert isinstance(watched.device, InputCapture)
            heard: list[int] = []

            async def read() -> None:
                async for frame in watched.device:  # type: ignore[union-attr]
                    heard.append(frame.data[0])

            reading = asyncio.create_task(read())
            await asyncio.sleep(10)
            hardware.plug_out(headset)
            await asyncio.sleep(10)
            headset.present = True
            await asyncio.sleep(10)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            changes = [b for a, b in zip([0, *heard], heard, strict=False) if a != b]
            assert changes == [1, 2, 1]
            # Half a second that the headset was listened to before it took over is left out.
            assert 2450 <= len(heard) <= 2700
            assert watched.device.stats().dropped_ms < 10

    run(main())


@both_sides
def test_the_loss_of_the_substitute_leads_back_to_the_device_chosen(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    headset, dock, built_in = Device("headset"), Device("dock", is_default=True), Device("built-in")
    hardware = machine(monkeypatch, built_in, dock, headset)

    async def main() -> None:
        async with opened(side, "headset") as watched:
            await asyncio.sleep(1)
            hardware.plug_out(headset)
            await asyncio.sleep(20)
            hardware.plug_out(dock)
            built_in.is_default = True
            await asyncio.sleep(1)
            assert watched.said[2:] == [("recovered", "dock"), ("lost", "dock"), ("recovered", "built-in")]
            assert [change.is_substitute for change in watched.changes[2:]] == [True, True, True]
            await asyncio.sleep(20)
            hardware.plug_out(built_in)
            headset.present = True
            await asyncio.sleep(1)
            assert watched.said[5:] == [("lost", "built-in"), ("recovered", "headset")]
            assert not watched.device.stats().is_substitute

    run(main())


@both_sides
@pytest.mark.parametrize("index", [0, 1])
def test_of_two_devices_of_one_name_the_other_is_never_opened(
    side: str, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = [Device("USB Mic"), Device("USB Mic")]
    mine, other = twins[index], twins[1 - index]
    hardware = machine(monkeypatch, *twins)

    async def main() -> None:
        async with opened(side, index) as watched:
            await asyncio.sleep(1)
            hardware.plug_out(mine)
            await asyncio.sleep(120)
            assert watched.said == [("running", "USB Mic"), ("lost", "USB Mic")]
            assert "of 2 devices 'USB Mic' there are 1" in watched.device.reason
            # Even if it is the default.
            other.is_default = True
            await asyncio.sleep(120)
            assert len(watched.changes) == 2
            mine.present = True
            await asyncio.sleep(2)
            assert watched.said[2:] == [("recovered", "USB Mic")]
            assert not watched.device.stats().is_substitute

    run(main())
    assert hardware.opened == [mine, mine]


def test_while_one_of_two_equals_is_away_the_default_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    other, mine = Device("USB Mic (hw:1,0)"), Device("USB Mic (hw:2,0)")
    built_in = Device("built-in (hw:0,0)", is_default=True)
    hardware = machine(monkeypatch, built_in, other, mine)

    async def main() -> None:
        async with opened("input", "USB Mic (hw:2,0)") as watched:
            await asyncio.sleep(10)
            hardware.plug_out(mine)
            await asyncio.sleep(10)
            assert watched.device.device == "built-in (hw:0,0)"
            # Comes back before the other in the list, with another number.
            mine.name = "USB Mic (hw:3,0)"
            hardware.devices = [mine, built_in, other]
            mine.present = True
            await asyncio.sleep(5)
            assert watched.device.device == "USB Mic (hw:3,0)"

    run(main())
    assert hardware.opened == [mine, built_in, mine]


def test_a_card_that_comes_back_with_another_number_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Device("USB Audio: - (hw:2,0)")
    hardware = machine(monkeypatch, Device("built-in: - (hw:0,0)", is_default=True), mine)

    async def main() -> None:
        async with opened("output", "usb audio") as watched:
            await asyncio.sleep(1)
            hardware.plug_out(mine)
            await asyncio.sleep(0.5)
            mine.name, mine.present = "USB Audio: - (hw:1,0)", True
            await asyncio.sleep(2)
            assert watched.said[2:] == [("recovered", "USB Audio: - (hw:1,0)")]
            assert not watched.device.stats().is_substitute

    run(main())


def test_the_users_own_words_find_a_device_of_a_new_name(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Device("Headset of Ann")
    hardware = machine(monkeypatch, Device("built-in", is_default=True), mine)

    async def main() -> None:
        async with opened("input", "headset") as watched:
            await asyncio.sleep(1)
            hardware.plug_out(mine)
            mine.name, mine.present = "Headset of Ann (hands-free)", True
            await asyncio.sleep(1)
            assert watched.said[2:] == [("recovered", "Headset of Ann (hands-free)")]

    run(main())


def test_a_whole_name_never_means_a_device_whose_name_contains_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, array = Device("Mic"), Device("Mic Array")
    hardware = machine(monkeypatch, array, mine)

    async def main() -> None:
        async with opened("input", "mic"):
            hardware.plug_out(mine)
            await asyncio.sleep(60)

    run(main())
    assert hardware.opened == [mine]


def test_a_request_for_the_default_follows_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Device("one", is_default=True), Device("two")
    hardware = machine(monkeypatch, one, two)

    async def main() -> None:
        async with opened("output", None) as watched:
            await asyncio.sleep(1)
            one.is_default, two.is_default = False, True
            hardware.plug_out(one)
            await asyncio.sleep(1)
            assert watched.said[2:] == [("recovered", "two")]
            assert not watched.device.stats().is_substitute
            hardware.asked.clear()
            await asyncio.sleep(60)
            assert hardware.asked == []

    run(main())


@pytest.mark.parametrize("at_s", [0.05, 2.0, 3.5, 4.02, 5.53, 5.7, 6.0, 6.05, 6.1])
def test_closing_at_any_moment_of_a_search_leaves_nothing(at_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    headset, built_in = Device("headset"), Device("built-in", is_default=True)
    hardware = machine(monkeypatch, headset, built_in)

    async def main() -> None:
        async with opened("input", "headset"):
            await asyncio.sleep(1)
            hardware.plug_out(headset)
            asyncio.get_running_loop().call_later(4.5, setattr, headset, "present", True)
            await asyncio.sleep(at_s)

    run(main())
    assert all(worker.num_closed == 1 for worker in hardware.workers)


# -- honest states -----------------------------------------------------------------------------------------------------


@both_sides
def test_a_device_that_starts_late_is_opening_until_then_and_not_lost(
    side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, Device("slow", is_default=True, late_s=2.5))

    async def main() -> None:
        async with opened(side, None) as watched:
            await asyncio.sleep(2.45)
            assert watched.device.state is DeviceState.OPENING
            await asyncio.sleep(0.1)
            assert watched.device.state is RUNNING
            await asyncio.sleep(120)
            assert [change.state for change in watched.changes] == [RUNNING]
            assert watched.device.stats().num_reopened == 0

    run(main())


@both_sides
def test_a_dead_device_is_announced_once_and_replaced(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, built_in = Device("dead", dead=True), Device("built-in", is_default=True, late_s=1.0)
    hardware = machine(monkeypatch, dead, built_in)

    async def main() -> None:
        async with opened(side, "dead") as watched:
            await asyncio.sleep(2.9)
            assert watched.device.state is DeviceState.OPENING
            await asyncio.sleep(7)
            assert watched.said == [("lost", "dead"), ("recovered", "built-in")]
            await asyncio.sleep(120)
            assert len(watched.changes) == 2
            dead.dead = False
            await asyncio.sleep(6)
            assert watched.said[2:] == [("recovered", "dead")]

    run(main())
    assert hardware.opened.count(built_in) == 1


@both_sides
def test_a_dead_device_without_a_substitute_is_announced_once(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = Device("dead", dead=True, is_default=True)
    hardware = machine(monkeypatch, dead)

    async def main() -> None:
        async with opened(side, None) as watched:
            await asyncio.sleep(120)
            assert watched.said == [("lost", "dead")]
            assert "last attempt to open it again: 'dead' was opened, but the device" in watched.device.reason
            # It goes on with longer pauses between the attempts than at first, and not more than a second.
            assert 25 < len(hardware.opened) < 40

    run(main())


def test_back_off_and_patience_go_on_until_the_first_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """A headset that can be opened again and again, and is mute: it is not back."""
    headset, built_in = Device("headset"), Device("built-in", is_default=True)
    hardware = machine(monkeypatch, headset, built_in)

    async def main() -> None:
        async with opened("input", "headset") as watched:
            await asyncio.sleep(10)
            headset.dead = True
            hardware.plug_out(headset)
            headset.present = True
            await asyncio.sleep(3.5)
            assert watched.said == [("running", "headset"), ("lost", "headset"), ("recovered", "built-in")]
            await asyncio.sleep(120)
            assert len(watched.changes) == 3

    run(main())


@both_sides
def test_a_device_that_moves_for_a_moment_is_left_alone_more_and_more(
    side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = machine(monkeypatch, Device("loose", is_default=True, max_blocks=3))

    async def main() -> None:
        async with opened(side, None) as watched:
            await asyncio.sleep(1200)
            assert len(watched.changes) < 2 * 1200 / 30 + 14
            hardware.devices[0].max_blocks = None
            await asyncio.sleep(40)
            assert watched.device.state is RECOVERED

    run(main())


def test_a_device_that_moves_for_a_moment_does_not_keep_the_substitute_away(monkeypatch: pytest.MonkeyPatch) -> None:
    loose, built_in = Device("loose", max_blocks=3), Device("built-in", is_default=True)
    machine(monkeypatch, loose, built_in)

    async def main() -> None:
        async with opened("input", "loose") as watched:
            await asyncio.sleep(12)
            assert watched.device.device == "built-in"
            num_changes = len(watched.changes)
            await asyncio.sleep(120)
            assert len(watched.changes) == num_changes
            loose.max_blocks = None
            await asyncio.sleep(6)
            assert watched.device.device == "loose"

    run(main())


# -- microphones that are not well -------------------------------------------------------------------------------------


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_microphone_that_delivers_a_fifth_gets_larger_blocks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usb = Device("usb", is_default=True, part=lambda block: 1.0 if block >= 1920 else 0.2)
    hardware = machine(monkeypatch, usb)

    async def main() -> None:
        async with opened("input", None) as watched:
            assert isinstance(watched.device, InputCapture)
            await asyncio.sleep(10)
            assert [change.state for change in watched.changes] == [RUNNING, LOST, RECOVERED]
            assert "delivers only 20 % of its sound" in watched.changes[1].reason
            assert "blocks of 40 ms" in watched.changes[1].reason
            stats = watched.device.stats()
            assert 2300 < stats.missing_ms < 2500
            await asyncio.sleep(120)
            assert watched.device.stats().missing_ms == stats.missing_ms
            assert watched.device.stats().num_reopened == 1
            hardware.plug_out(usb)
            usb.present = True
            await asyncio.sleep(5)  # it keeps what it needs

    run(main())
    assert [request.block_size for request in hardware.requests] == [480, 1920, 1920]
    assert len(warnings(caplog)) == 2  # and that it was plugged out


@pytest.mark.parametrize(("capacity", "blocks"), [(50, [480, 1920, 4800]), (3, [480, 1440]), (1, [480])])
def test_a_microphone_that_nothing_helps_is_said_once_and_counted(
    capacity: int, blocks: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hardware = machine(monkeypatch, Device("usb", is_default=True, part=lambda block: 0.2))

    async def main() -> None:
        async with opened("input", None, queue_capacity=capacity) as watched:
            assert isinstance(watched.device, InputCapture)
            await asyncio.sleep(120)
            assert watched.device.state.is_running
            assert 75_000 < watched.device.stats().missing_ms < 96_000

    run(main())
    assert [request.block_size for request in hardware.requests] == blocks
    said = warnings(caplog)
    assert len(said) == len(blocks)
    assert "delivers only 20 % of its sound, and larger blocks do not help" in said[-1]


def test_a_microphone_of_nothing_but_zeros_is_said_once_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    muted = Device("muted", value=0, is_default=True)
    hardware = machine(monkeypatch, muted)

    async def main() -> None:
        async with opened("input", None) as watched:
            assert isinstance(watched.device, InputCapture)
            await asyncio.sleep(5)
            assert warnings(caplog) == []
            await asyncio.sleep(2)
            assert len(warnings(caplog)) == 1
            await asyncio.sleep(113)
            assert abs(watched.device.stats().zeros_ms - 120_000) < 50
            assert watched.device.stats().missing_ms == 0
            muted.value = 7
            await asyncio.sleep(10)
            muted.value = 0
            await asyncio.sleep(10)
            zeros_ms = watched.device.stats().zeros_ms
            hardware.plug_out(muted)
            assert watched.device.stats().zeros_ms == zeros_ms  # outlives the device

    run(main())
    assert len(hardware.opened) == 1
    zeros = [line for line in warnings(caplog) if "lost" not in line]
    assert len(zeros) == 1
    assert "'muted' has delivered nothing but zeros for 3 s: is it muted" in zeros[0]


def test_a_microphone_that_is_well_is_not_accused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One that starts like the monitor of an idle null sink, with a block, and two seconds later the others; and stalls
    now and then for less than would be a loss. Its clock is slow."""
    monitor = Device("monitor", is_default=True, part=lambda block: 0.98)
    hardware = machine(monkeypatch, monitor)

    async def main() -> None:
        async with opened("input", None) as watched:
            await asyncio.sleep(0.015)
            hardware.workers[0].stop()
            await asyncio.sleep(1.97)
            hardware.workers[0]._set_timer()
            for _ in range(20):
                await asyncio.sleep(3.3)
                hardware.workers[0].stop()
                await asyncio.sleep(0.45)
                hardware.workers[0]._set_timer()
            assert [change.state for change in watched.changes] == [RUNNING]

    run(main())
    assert warnings(caplog) == []


def test_a_microphone_whose_sound_nobody_takes_is_not_accused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    machine(monkeypatch, Device("mic", is_default=True))

    async def main() -> None:
        async with opened("input", None) as watched:
            assert isinstance(watched.device, InputCapture)
            await asyncio.sleep(1)
            watched.device.source.pause()
            await asyncio.sleep(60)
            assert [change.state for change in watched.changes] == [RUNNING]
            assert watched.device.stats().missing_ms == 0
            watched.device.source.resume()

    run(main())
    assert not any("delivers only" in line for line in warnings(caplog))


# -- odd devices -------------------------------------------------------------------------------------------------------


def test_a_headset_that_comes_back_mono_is_heard(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    headset = Device("headset", 5)
    hardware = machine(monkeypatch, headset)

    async def main() -> None:
        async with opened("input", "headset", input_channel_index=1) as watched:
            await asyncio.sleep(1)
            headset.inputs = 1
            hardware.plug_out(headset)
            headset.present = True
            await asyncio.sleep(1)
            assert watched.device.state is RECOVERED
            assert isinstance(watched.device, InputCapture)
            async with AudioStream(LocalAudioTrack.create_audio_track("x", watched.device.source)) as stream:
                assert set((await anext(stream)).frame.data) == {5}
            headset.inputs = 2
            hardware.plug_out(headset)
            headset.present = True
            await asyncio.sleep(1)

    run(main())
    assert [worker.info.num_channels for worker in hardware.workers] == [2, 1, 2]
    assert sum("has no channel 1 now; its first one is used" in line for line in warnings(caplog)) == 1


@both_sides
@pytest.mark.parametrize("rate", [32000, 96000, 8000, 384000])
def test_a_device_that_takes_none_of_the_usual_rates(side: str, rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    hardware = machine(monkeypatch, Device("odd", rates=(rate,), is_default=True))

    async def main() -> None:
        async with opened(side, None) as watched:
            await asyncio.sleep(0.5)
            assert watched.device.state is RUNNING

    run(main())
    assert hardware.workers[0].info.sample_rate == rate
