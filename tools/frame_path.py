"""Prints the way of one 10 ms frame through the package, from a microphone with echo cancelling to a stream's reader.

Every call of a Python function of the package, and of a method of its compiled classes, counts once. Microphone and
speaker are scripted, in virtual time, so that no sound server is needed:

    python -m tools.frame_path
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from livekit_utils import AudioFrame, AudioStream, LocalAudioTrack, MediaDevices
from tests.support.sound_card import SoundCard, plug_in
from tests.support.virtual_time import run

_PACKAGE = "livekit_utils."


@dataclass
class Path:
    """The calls inside the package, in order: the module and the function of each."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    @property
    def modules(self) -> list[str]:
        """The modules, in the order in which the frame comes to them first."""
        return list(dict.fromkeys(module for module, _ in self.calls))

    @property
    def num_changes(self) -> int:
        """How often a call lies in another module than the call before it."""
        return sum(one[0] != other[0] for one, other in zip(self.calls, self.calls[1:], strict=False))


@contextmanager
def recorded() -> Iterator[Path]:
    """Records the calls of this thread."""
    path = Path()

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_qualname
        elif event == "c_call":
            owner = getattr(argument, "__self__", None)
            module = getattr(argument, "__module__", None) or type(owner).__module__
            function = getattr(argument, "__qualname__", repr(argument))
        else:
            return
        if module.startswith(_PACKAGE):
            path.calls.append((module.removeprefix(_PACKAGE), function))

    sys.setprofile(note)
    try:
        yield path
    finally:
        sys.setprofile(None)


def microphone_path(card: SoundCard) -> Path:
    """The way of one frame in steady state: a microphone with echo cancelling, a speaker that plays, a reader."""

    async def sound() -> Any:
        while True:
            yield AudioFrame(bytes(960), 48000, 1, 480)

    async def main() -> Path:
        devices = MediaDevices(blocksize=480)
        player = devices.open_output()
        await player.start()
        player.add_stream(sound())
        capture = devices.open_input()
        track = LocalAudioTrack.create_audio_track("microphone", capture.source)
        async with capture, player, AudioStream(track) as stream:
            await asyncio.sleep(0.5)
            microphone = next(worker for worker in card.workers if worker.is_input)
            wake: Callable[[], None] = microphone.on_wake
            paths = []

            def on_wake() -> None:
                with recorded() as path:
                    wake()
                paths.append(path)

            microphone.on_wake = on_wake
            await anext(stream)
            await asyncio.sleep(0.2)
        await capture.source.aclose()
        return paths[-2]

    return run(main())


def main() -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        path = microphone_path(plug_in(monkeypatch, SoundCard()))
    before = ""
    for module, function in path.calls:
        print(f"{module if module != before else '':40} {function}")
        before = module
    print(f"\n{len(path.calls)} calls, {len(path.modules)} modules, {path.num_changes} module changes")


if __name__ == "__main__":
    main()
