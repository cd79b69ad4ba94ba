"""Microphones and speakers on virtual devices: `python -m benchmarks.devices`, a few minutes; `--turn`, two.

The second measures only how long a voice agent's answer takes to its own ear, step by step.

Starts sound servers of its own, as the tests do, and runs their programs on it. With LiveKit's SDK and sounddevice
installed, what can be compared is measured on both in turn. Only on an idle machine do the delays say anything about
this package; the load is printed before and after.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.support import pipewire_server
from tests.support.pipewire_server import PipeWireServer
from tests.support.sound_server import SoundServer, missing

TESTS = Path(__file__).parent.parent / "tests"
PROGRAMS = TESTS / "devices" / "server" / "programs"


def environment(server: SoundServer | PipeWireServer) -> dict[str, str]:
    return {**server.environment(), "PYTHONPATH": str(TESTS / "support")}


def run(server: SoundServer | PipeWireServer, name: str, *arguments: object) -> Any:
    command = [sys.executable, str(PROGRAMS / f"{name}.py"), *map(str, arguments)]
    done = subprocess.run(command, env=environment(server), capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        return {"error": done.stderr.strip().splitlines()[-1] if done.stderr else f"status {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def sound(server: SoundServer, quick: bool) -> list[tuple[str, str]]:
    ramp = run(server, "loopback", 480, 5 if quick else 60, "isolated")["ramp"]
    gil = run(server, "busy", 2000, "gil", 1)
    loop = run(server, "busy", 500, "loop", 0.3)
    echo = {first: run(server, "echo", first, 8, 480)["reduction_db"] for first in ("output", "input")}
    return [
        ("a ramp through speaker and microphone: samples lost, changed", f"{ramp['lost']}, {ramp['changed']}"),
        (f"silence while the GIL is held for {gil['held_s']:.1f} s, 2 s buffered", f"{gil['silence_ms']:.2f} ms"),
        ("silence while the loop is held up for 0.3 s, 0.5 s buffered", f"{loop['silence_ms']:.2f} ms"),
        ("echo, speaker opened first, from 2 s on", f"-{echo['output']:.0f} dB"),
        ("echo, microphone opened first, from 2 s on", f"-{echo['input']:.0f} dB"),
    ]


def cost(server: SoundServer, quick: bool) -> list[tuple[str, str]]:
    """Delay and processor, medians of ours and the others' in turn."""
    seconds = 5 if quick else 10
    ways: dict[str, tuple[str, *tuple[object, ...]]] = {
        "ours": ("loopback", 480, seconds, "isolated"),
        "the SDK": ("sdk_loopback", 480, seconds, "both"),
        "the SDK, only playing": ("sdk_loopback", 480, seconds, "playback"),
        "PyAudio alone, with callbacks that do nothing": ("bare_loopback", 480, seconds),
    }
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(2 if quick else 7):
        for name, command in ways.items():
            results[name].append(run(server, *command))

    def figure(name: str, key: str, unit: str) -> str:
        errors = [result["error"] for result in results[name] if "error" in result]
        return errors[0] if errors else f"{statistics.median(result[key] for result in results[name]):.1f} {unit}"

    return [
        ("capture_frame to speaker", figure("ours", "to_speaker_ms", "ms")),
        ("microphone to frame, by PortAudio's time stamps", figure("ours", "microphone_to_frame_ms", "ms")),
        ("the whole way", figure("ours", "round_trip_ms", "ms")),
        ("the whole way, the SDK", figure("the SDK", "round_trip_ms", "ms")),
        *((f"processor, playing and capturing: {name}", figure(name, "cpu_percent", "% of a core")) for name in ways),
    ]


def latency(server: SoundServer, quick: bool) -> list[tuple[str, str]]:
    """From capture_frame through speaker and microphone, beside PyAudio alone, in turn."""
    seconds = 10 if quick else 60
    rows = []
    for block in (480, 240):
        bare = run(server, "bare_loopback", block, 3)["round_trip_ms"]
        rows += [
            (f"the whole way at blocks of {block}, PyAudio alone", f"{bare:.1f} ms"),
            (f"the whole way at blocks of {block}, {seconds} s", spread(run(server, "latency", block, seconds))),
        ]
    stalled = run(server, "latency", 480, seconds, 5)
    return [*rows, ("the same at 480, with the event loop held up for 20 ms every 5 s", spread(stalled))]


def turn(server: SoundServer, quick: bool) -> list[tuple[str, str]]:
    """A voice agent's answer, from the application to the application, and where it is on the way."""
    rows = []
    for way in ("plain", "processed"):
        result = run(server, "turn", 480, 5 if quick else 60, way)
        if "error" in result:
            return [("a turn", result["error"])]
        parts = {
            "application at 24 kHz, source, track, player; and to 16 kHz": "speaking_ms",
            "player to speaker": "speaker_ms",
            "microphone to its block": "microphone_ms",
            "noise suppression": "processing_ms",
            "block, capture, stream, application": "capture_ms",
        }
        title = "a turn" if way == "plain" else "a turn with noise suppression"
        rows.append((f"{title}, at blocks of 480", f"{result['whole_ms']:.1f} ms, at most {result['longest_ms']:.1f}"))
        rows += [(f"  {part}", f"{result[key]:.1f} ms") for part, key in parts.items() if result[key]]
    return rows


def spread(result: dict[str, Any]) -> str:
    if "error" in result:
        return str(result["error"])
    return (
        f"{result['p50_ms']:.1f} ms ({result['p10_ms']:.1f} to {result['p90_ms']:.1f}, at last "
        f"{result['last_p50_ms']:.1f}); {result['num_gaps']} gaps, {result['gap_ms']:.0f} ms, "
        f"{result['num_device_gaps']} of the device's own; {result['cpu_percent']:.1f} % of a core"
    )


def bursts(quick: bool) -> list[tuple[str, str]]:
    """On a PipeWire, which takes as much at once as its period is long."""
    reason = pipewire_server.missing()
    if reason is not None:
        return [("on a PipeWire", reason)]
    rows = []
    for quantum in (1024, 2048, 4096):
        for kind in ("live", "read"):
            # A stream that is not live is read ahead.
            with PipeWireServer(quantum) as server:
                result = run(server, "bursts", 480, 3 if quick else 20, kind)
            figure = result.get("error") or (
                f"{result['gaps_ms']:.0f} ms of gaps ({result['early_gaps_ms']:.0f} ms in the first two seconds), "
                f"{result['depth_ms']:.0f} ms kept ready, {result['latency_ms']:.0f} ms to the speaker"
            )
            rows.append((f"a PipeWire that takes {quantum} samples at once, a stream that is {kind}", figure))
    return rows


def faults(server: SoundServer, times: int) -> dict[str, str]:
    """Kills, loses and freezes, so many times each, under one program that plays and captures."""
    command = [sys.executable, str(PROGRAMS / "watch.py"), "isolated"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(server),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    output = process.stdout

    def wait_for(*wanted: tuple[str, str]) -> list[dict[str, Any]]:
        left, found = set(wanted), []
        while left:
            line = json.loads(output.readline())
            if (key := (line["who"], line.get("state"))) in left:
                left.discard(key)
                found.append(line)
        return found

    (first,) = wait_for(("ear", "sound"))
    results: dict[str, str] = {}
    held = [first["holdings"]]
    kinds: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "kill": (server.kill, server.start),
        "lose": (lambda: server.lose("speaker"), lambda: server.plug("speaker")),
        "freeze": (server.freeze, server.thaw),
    }
    for kind, (break_it, mend_it) in kinds.items():
        noticed, back = [], []
        for _ in range(times):
            broken = time.monotonic()
            break_it()
            noticed += [line["at"] - broken for line in wait_for(("capture", "lost"), ("player", "lost"))]
            time.sleep(0.5)
            mend_it()
            mended = time.monotonic()
            lines = wait_for(("capture", "recovered"), ("player", "recovered"), ("ear", "sound"))
            back.append(max(line["at"] for line in lines) - mended)
            held.append(next(line["holdings"] for line in lines if line["who"] == "ear"))
            time.sleep(0.4)
        results[f"{times} times {kind}"] = (
            f"all recovered; noticed after at most {max(noticed):.2f} s, sound back after at most {max(back):.2f} s"
        )
    before, after = held[1], held[-1]
    results["held before and after"] = "; ".join(
        f"{before[key]} / {after[key]} {key}" for key in ("files", "threads", "children", "rss_kb")
    )
    process.communicate("")  # the end of its input is what it waits for
    return results


def main() -> None:
    reason = missing()
    if reason is not None:
        sys.exit(f"no sound server: {reason}")
    quick, only_turn = "--quick" in sys.argv, "--turn" in sys.argv
    loads = [os.getloadavg()[0]]
    server = SoundServer()
    server.start()
    rows: list[tuple[str, str]] = []
    try:
        rows += turn(server, quick)
        if not only_turn:
            rows += latency(server, quick)
            rows += cost(server, quick)
            rows += sound(server, quick)
            rows += faults(server, 2 if quick else 8).items()
    finally:
        server.stop()
    if not only_turn:
        rows += bursts(quick)
    loads.append(os.getloadavg()[0])
    table = Table("what", "figure", title=f"load of the machine: {loads[0]:.1f} before, {loads[1]:.1f} after")
    for row in rows:
        table.add_row(*row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
