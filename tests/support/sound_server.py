"""A sound server of the tests' own: PulseAudio with virtual devices, and faults to inject.

Everything lies in one temporary folder; nothing of the user's own sound system is read or touched, and several may run
side by side. With `norewinds=1` a null sink starts at once. The ordinary one, "idle", works in blocks of 2 s while it
is idle, so that streams on it start up to two seconds late.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.paced_reader import PacedReader

# Name in ALSA's configuration: direction, PulseAudio's source or sink. An asym device without the other side is listed
# by PortAudio as only an input, or only an output.
DEVICES = {
    "speaker": ("out", "speaker"),  # 48 kHz stereo, the default output
    "speaker_monitor": ("in", "speaker.monitor"),
    "mic": ("in", "mic"),  # 48 kHz mono, the default input; hears what mic_feed is given
    "mic_feed": ("out", "mic_feed"),
    "mic16": ("in", "mic16"),  # 16 kHz mono
    "mic16_feed": ("out", "mic16_feed"),
    "phone44": ("out", "phone44"),  # 44.1 kHz stereo
    "phone44_monitor": ("in", "phone44.monitor"),
    "stereo": ("in", "stereo"),  # 48 kHz, 440 Hz on the left and 1000 Hz on the right
    "idle": ("out", "idle"),  # 48 kHz stereo, starts late
    "idle_monitor": ("in", "idle.monitor"),
    "slow": ("out", "slow"),  # 48 kHz stereo; only there in slow_speaker()
    "gone": ("in", "no_such_source"),  # listed, but cannot be opened
}

# Modules of each device, in the order of loading; the first makes what the others hang on.
MODULES = {
    "speaker": ["module-null-sink norewinds=1 sink_name=speaker rate=48000 channels=2"],
    "mic": [
        "module-null-sink norewinds=1 sink_name=mic_feed rate=48000 channels=1 channel_map=mono",
        "module-remap-source source_name=mic master=mic_feed.monitor channels=1 channel_map=mono "
        "master_channel_map=mono remix=no",
    ],
    "mic16": [
        "module-null-sink norewinds=1 sink_name=mic16_feed rate=16000 channels=1 channel_map=mono",
        "module-remap-source source_name=mic16 master=mic16_feed.monitor channels=1 channel_map=mono "
        "master_channel_map=mono remix=no",
    ],
    "idle": ["module-null-sink sink_name=idle rate=48000 channels=2"],
    "phone44": ["module-null-sink norewinds=1 sink_name=phone44 rate=44100 channels=2"],
    "stereo": [
        "module-null-sink norewinds=1 sink_name=stereo_feed rate=48000 channels=2 channel_map=front-left,front-right",
        "module-remap-sink sink_name=stereo_left master=stereo_feed channels=1 channel_map=mono "
        "master_channel_map=front-left remix=no",
        "module-remap-sink sink_name=stereo_right master=stereo_feed channels=1 channel_map=mono "
        "master_channel_map=front-right remix=no",
        "module-sine sink=stereo_left frequency=440",
        "module-sine sink=stereo_right frequency=1000",
        "module-remap-source source_name=stereo master=stereo_feed.monitor channels=2 "
        "channel_map=front-left,front-right master_channel_map=front-left,front-right remix=no",
    ],
}

_NEEDED = ("pulseaudio", "pactl", "parec", "pacat")


def missing() -> str | None:
    """Why there cannot be one here; None where there can."""
    programs = [name for name in _NEEDED if shutil.which(name) is None]
    if programs:
        return f"not installed: {' '.join(programs)}"
    plugin = "alsa-lib/libasound_module_pcm_pulse.so"
    if not [*Path("/usr").glob(f"lib*/{plugin}"), *Path("/usr/lib").glob(f"*/{plugin}")]:
        return "not installed: ALSA's plugin for PulseAudio (libasound2-plugins)"
    return None


class SoundServer:
    """`with SoundServer() as server:` has it running; the folder it makes goes with it.

    Args:
        folder: To make, instead of one of its own; of a short path.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or _new_folder()
        self.folder.mkdir(mode=0o700, exist_ok=folder is None)
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("pulse", "state", "home"):
            (self.folder / name).mkdir(mode=0o700)
        (self.folder / "cookie").write_bytes(secrets.token_bytes(256))
        (self.folder / "client.conf").write_text(
            f"autospawn = no\ndefault-server = {self._address}\ncookie-file = {self.folder}/cookie\n"
        )
        (self.folder / "daemon.conf").write_text("default-sample-rate = 48000\nalternate-sample-rate = 48000\n")
        lines = ["load-module module-native-protocol-unix auth-anonymous=1", "load-module module-cli-protocol-unix"]
        lines += [f"load-module {line}" for lines_of_one in MODULES.values() for line in lines_of_one]
        lines += ["set-default-sink speaker", "set-default-source mic"]
        (self.folder / "start.pa").write_text("\n".join(lines) + "\n")
        for kind, text in _alsa_configurations().items():
            (self.folder / f"alsa-{kind}.conf").write_text(text)

    @property
    def _address(self) -> str:
        return f"unix:{self.folder}/pulse/native"

    def environment(self, alsa: str = "clean") -> dict[str, str]:
        """Of a client; whatever else this process says of PulseAudio and ALSA is left out.

        Args:
            alsa: `clean` lists DEVICES and "dead"; `noisy` adds them to the system's configuration, with all the lines
                that ALSA and JACK print then; `empty` has no device; `missing` has no configuration at all.
        """
        others = {name: value for name, value in os.environ.items() if not name.startswith(("PULSE_", "ALSA_"))}
        return {
            **others,
            "PULSE_SERVER": self._address,
            "PULSE_CLIENTCONFIG": f"{self.folder}/client.conf",
            "PULSE_COOKIE": f"{self.folder}/cookie",
            "PULSE_RUNTIME_PATH": f"{self.folder}/pulse",
            "PULSE_STATE_PATH": f"{self.folder}/state",
            "ALSA_CONFIG_PATH": f"{self.folder}/alsa-{alsa}.conf",
            "JACK_NO_START_SERVER": "1",
        }

    # -- its life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> SoundServer:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers.

        Raises:
            RuntimeError: It does not; with what it printed.
        """
        assert self._process is None, "it runs already"
        for name in ("native", "pid", "cli"):
            (self.folder / "pulse" / name).unlink(missing_ok=True)
        command = ["pulseaudio", "-n", "-F", f"{self.folder}/start.pa", "--daemonize=no", "--fail=yes"]
        command += ["--exit-idle-time=-1", "--disallow-exit", "--realtime=no", "--high-priority=no"]
        # Where tests are ended by force, so is it.
        if shutil.which("setpriv") is not None:
            command[:0] = ["setpriv", "--pdeathsig", "KILL"]
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                [*command, "--log-level=notice", "--log-target=stderr"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **self.environment(),
                    "HOME": f"{self.folder}/home",
                    "XDG_RUNTIME_DIR": str(self.folder),
                    "XDG_CONFIG_HOME": f"{self.folder}/home",
                    "PULSE_CONFIG": f"{self.folder}/daemon.conf",
                    "PULSE_SERVER": "",
                    "DBUS_SESSION_BUS_ADDRESS": "disabled:",
                    "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",
                },
                process_group=0,
            )
        deadline = time.monotonic() + 15
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the sound server did not start: {(self.folder / 'server.log').read_text()}")
            time.sleep(0.02)

    @property
    def pid(self) -> int | None:
        """Of the server's process, which ends with `kill` and `stop`; None without one."""
        return None if self._process is None else self._process.pid

    def answers(self) -> bool:
        command = ["pactl", "stat"]
        try:
            return subprocess.run(command, env=self.environment(), capture_output=True, timeout=2).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def kill(self) -> None:
        """A crash; `start` brings it back."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """It stops answering, and its devices stop moving."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """Its end, and that of its folder; a second time does nothing."""
        if self._process is not None:
            self.thaw()
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def restore(self) -> None:
        """Everything as it was after `start`, whatever a test did."""
        self.thaw()
        if self._process is not None and not self.answers():
            self.kill()  # it has ended by itself, or is about to
        if self._process is None:
            self.start()
            return
        for device in MODULES:
            if self._module_of(device) is None:
                self.plug(device)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    # -- its devices --------------------------------------------------------------------------------------------------

    def unplug(self, device: str) -> None:
        """Takes a device away; its streams move to the default one, as they do on a desktop.

        An output of PortAudio's, whose buffer is short, may run empty meanwhile; ALSA's plugin then looks for the
        device by its name, and the stream ends as if it were lost.
        """
        module = self._module_of(device)
        assert module is not None, f"{device} is not there"
        self._pactl("unload-module", module)

    def lose(self, device: str) -> None:
        """Ends the streams of a device and takes it away."""
        module = self._module_of(device)
        assert module is not None, f"{device} is not there"
        of_device = {
            (kind, index)
            for kind in ("sinks", "sources")
            for index, name, *_ in self._list(kind)
            if name.removesuffix(".monitor").removesuffix("_feed") == device
        }
        streams = self._streams_of_clients()
        ends = [order for order, owner in streams.items() if owner in of_device]
        self._order(*ends, f"unload-module {module}")
        # A stream that ran empty meanwhile was replaced by a new one, and that moved to another device.
        self._order(*(order for order in self._streams_of_clients() if order not in streams))
        assert self._module_of(device) is None, f"{device} is still there"

    def end_recordings(self, device: str) -> None:
        """Ends what records from a device that is made of others, which `lose` would end first."""
        (source,) = [index for index, name, *_ in self._list("sources") if name == device]
        recordings = [number for number, owner, *_ in self._list("source-outputs") if owner == source]
        self._order(*(f"kill-source-output {number}" for number in recordings))

    def plug(self, device: str) -> None:
        """Brings it back under the same name."""
        for line in MODULES[device]:
            self._pactl("load-module", *line.split())
        self._pactl("set-default-sink", "speaker")
        self._pactl("set-default-source", "mic")

    @contextmanager
    def slow_speaker(self, speed: float = 0.98) -> Iterator[None]:
        """The speaker "slow", whose clock runs at `speed`, 1 or less.

        No device of PulseAudio's own does, so that this one writes into a pipe, from which sound is taken at that rate.
        """
        pipe = self.folder / "pulse" / "slow.pipe"
        reader = PacedReader(pipe, bytes_per_second=speed * 48_000 * 4)
        try:
            module = self._pactl(
                "load-module", "module-pipe-sink", "sink_name=slow", f"file={pipe}", "format=s16le", "rate=48000",
                "channels=2",
            ).strip()  # fmt: skip
            yield
            if self.answers():
                self._pactl("unload-module", module)
        finally:
            reader.close()

    def _module_of(self, device: str) -> str | None:
        name, _, arguments = MODULES[device][0].partition(" ")
        for number, module, *rest in self._list("modules"):
            if module == name and rest and rest[0] == arguments:
                return number
        return None

    def _list(self, what: str) -> list[list[str]]:
        return [line.split("\t") for line in self._pactl("list", "short", what).splitlines()]

    def streams(self) -> str:
        """Which streams there are, for the message of a test that fails; "" where the server does not say."""
        command = ["pactl", "list", "short"]
        try:
            return subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=2).stdout
        except subprocess.TimeoutExpired:
            return ""

    def _streams_of_clients(self) -> dict[str, tuple[str, str]]:
        """The order that ends each of them, and its sink or source."""
        return {
            f"kill-{stream} {number}": (f"{kind}s", owner)
            for kind, stream in (("sink", "sink-input"), ("source", "source-output"))
            for number, owner, _, driver, *_ in self._list(f"{stream}s")
            if driver == "protocol-native.c"
        }

    def _order(self, *orders: str) -> None:
        """Has the server carry out commands of its own language, of which it reads all before it does anything else."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(f"{self.folder}/pulse/cli")
            connection.sendall("".join(f"{order}\n" for order in orders).encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass  # what failed: a stream has ended by itself

    def _pactl(self, *words: str) -> str:
        command = ["pactl", *words]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=10)
        assert done.returncode == 0 or "set-default" in words[0], f"{command}: {done.stderr}"
        return done.stdout


def _new_folder() -> Path:
    """In the system's place for such, unless that makes the path of the socket too long: it has 107 bytes at most, so
    that pytest's own folders will not do."""
    folder = Path(tempfile.mkdtemp(prefix="lku"))
    if len(os.fsencode(folder / "pulse" / "native")) <= 107:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="lku", dir="/tmp"))


def _alsa_configurations() -> dict[str, str]:
    lines = []
    for name, (direction, target) in DEVICES.items():
        side = "capture" if direction == "in" else "playback"
        lines.append(f'pcm.{name} {{ type asym {side}.pcm {{ type pulse device "{target}" }} }}')
    # Opens and says that it is active, but never moves: PortAudio cannot poll a multi device.
    lines.append(
        "pcm.dead { type asym capture.pcm { type multi slaves.a { pcm { type plug slave.pcm { type pulse device "
        '"stereo" } } channels 2 } bindings.0 { slave a channel 0 } bindings.1 { slave a channel 1 } } }'
    )
    lines += ["pcm.!default { type pulse }", "ctl.!default { type pulse }"]
    devices = "\n".join(lines) + "\n"
    return {
        "clean": devices,
        "noisy": "</usr/share/alsa/alsa.conf>\n" + devices,
        # Debian's PortAudio ends the process where the configuration defines no device at all.
        "empty": "pcm.nothing { type empty slave.pcm nowhere }\n",
    }
