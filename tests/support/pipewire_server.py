"""A PipeWire of the tests' own, with virtual devices and a period that the test sets.

Its programs are unpacked into a folder (`tools/fetch_pipewire.sh`), because the package of its plugin for ALSA takes
the place of PulseAudio where it is installed. Nothing of the user's own sound system is read or touched, no D-Bus is
needed, and several may run side by side. PulseAudio's own programs (pactl, parec, pacat) are clients of it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.paths import SOURCE

# Samples that it takes of a stream at once, as on a desktop.
QUANTUM = 1024

# Name in ALSA's configuration, side, and plugin with its argument: ALSA's for PulseAudio, on PipeWire's stand-in for
# it, or PipeWire's own.
DEVICES = {
    "speaker": ("playback", 'type pulse device "speaker"'),  # 48 kHz stereo, the default output
    "speaker_monitor": ("capture", 'type pulse device "speaker.monitor"'),
    "mic": ("capture", 'type pulse device "mic"'),  # 48 kHz mono, the default input; hears what mic_feed is given
    "mic_feed": ("playback", 'type pulse device "mic_feed"'),
    "phone44": ("playback", 'type pulse device "phone44"'),  # 44.1 kHz stereo
    "phone44_monitor": ("capture", 'type pulse device "phone44.monitor"'),
    "native_speaker": ("playback", 'type pipewire playback_node "speaker"'),
    "native_mic": ("capture", 'type pipewire capture_node "mic"'),
}

_SINKS = {"speaker": (48_000, 2), "mic_feed": (48_000, 1), "phone44": (44_100, 2)}

# What WirePlumber does without, from 0.5 on.
_DISABLED = (
    "hardware.audio", "hardware.bluetooth", "hardware.video-capture", "support.dbus", "support.system-dbus",
    "support.reserve-device", "monitor.alsa.reserve-device", "support.portal-permissionstore",
    "script.client.access-portal", "support.logind", "monitor.bluez.seat-monitoring", "hooks.device.profile.state",
    "hooks.device.routes.state", "hooks.default-nodes.state", "hooks.stream.state",
)  # fmt: skip

_NEEDED = ("pipewire", "wireplumber", "pipewire-pulse", "pw-metadata")


def unpacked() -> Path:
    """The folder into which the packages are unpacked."""
    return Path(os.environ.get("LIVEKIT_UTILS_PIPEWIRE") or SOURCE / "build" / "pipewire")


def missing() -> str | None:
    """Why there cannot be one here; None where there can."""
    root = unpacked()
    if not all((root / "usr" / "bin" / name).exists() for name in _NEEDED):
        return "PipeWire is not unpacked (tools/fetch_pipewire.sh)"
    if shutil.which("pactl") is None:
        return "not installed: pactl (pulseaudio-utils)"
    return None


class PipeWireServer:
    """`with PipeWireServer() as server:` has it running; the folder it makes goes with it.

    Args:
        quantum: Samples that it takes of each stream at once.
    """

    def __init__(self, quantum: int = QUANTUM) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lkw", dir="/tmp"))
        self._root = unpacked()
        self._quantum = quantum
        self._processes: list[subprocess.Popen[bytes]] = []
        (self._libraries,) = {path.parent for path in self._root.glob("usr/lib*/**/libpipewire-0.3.so.0")}
        (self._wireplumber,) = self._libraries.glob("wireplumber-0.*")
        for name in ("run", "home", "state"):
            (self.folder / name).mkdir(mode=0o700)
        (self.folder / "cookie").write_bytes(secrets.token_bytes(256))
        (self.folder / "client.conf").write_text(
            f"autospawn = no\ndefault-server = {self._address}\ncookie-file = {self.folder}/cookie\n"
        )
        (self.folder / "alsa.conf").write_text(self._alsa_configuration())
        shutil.copytree(self._root / "usr/share/pipewire", self.folder / "pipewire")
        (self.folder / "pipewire" / "pipewire.conf").write_text(self._configuration())
        self._configure_wireplumber()

    @property
    def _address(self) -> str:
        return f"unix:{self.folder}/run/pulse/native"

    def environment(self) -> dict[str, str]:
        """Of a client; whatever else this process says of sound systems is left out."""
        foreign = ("PULSE_", "ALSA_", "PIPEWIRE_", "XDG_", "DBUS_", "SPA_")
        others = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        path = [str(self._libraries), os.environ.get("LD_LIBRARY_PATH")]
        return {
            **others,
            "HOME": f"{self.folder}/home",
            "XDG_RUNTIME_DIR": f"{self.folder}/run",
            "XDG_CONFIG_HOME": f"{self.folder}/home",
            "XDG_STATE_HOME": f"{self.folder}/state",
            "LD_LIBRARY_PATH": os.pathsep.join(filter(None, path)),
            "SPA_PLUGIN_DIR": f"{self._libraries}/spa-0.2",
            "PIPEWIRE_MODULE_DIR": f"{self._libraries}/pipewire-0.3",
            "PIPEWIRE_CONFIG_DIR": f"{self.folder}/pipewire",
            "PIPEWIRE_RUNTIME_DIR": f"{self.folder}/run",
            "PULSE_SERVER": self._address,
            "PULSE_COOKIE": f"{self.folder}/cookie",
            "PULSE_CLIENTCONFIG": f"{self.folder}/client.conf",
            "PULSE_RUNTIME_PATH": f"{self.folder}/run/pulse",
            "ALSA_CONFIG_PATH": f"{self.folder}/alsa.conf",
            "JACK_NO_START_SERVER": "1",
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",
        }

    # -- its life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> PipeWireServer:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers and has its devices.

        Raises:
            RuntimeError: It does not; with what it printed.
        """
        self._run("pipewire")
        self._wait("the socket", lambda: (self.folder / "run" / "pipewire-0").is_socket())
        self._run("wireplumber")
        self._run("pipewire-pulse")
        self._wait("an answer", lambda: self._pactl("info") is not None)
        self._load(
            "module-remap-source", "source_name=mic", "master=mic_feed.monitor", "channels=1", "channel_map=mono",
            "master_channel_map=mono", "remix=no",
        )  # fmt: skip
        self._wait("its devices", lambda: {"speaker", "mic_feed", "mic"} <= set(self._names()))
        self._pactl("set-default-sink", "speaker")
        self._pactl("set-default-source", "mic")

    def set_quantum(self, quantum: int) -> None:
        """Changes the samples that it takes at once, under streams that run."""
        command = [str(self._root / "usr/bin/pw-metadata"), "-n", "settings", "0", "clock.force-quantum", str(quantum)]
        subprocess.run(command, env=self.environment(), check=True, capture_output=True, timeout=10)

    def stop(self) -> None:
        """Its end, and that of its folder; a second time does nothing."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, name: str) -> None:
        command = [str(self._root / "usr" / "bin" / name)]
        # Where tests are ended by force, so is it.
        if shutil.which("setpriv") is not None:
            command[:0] = ["setpriv", "--pdeathsig", "KILL"]
        environment = {
            **self.environment(),
            "WIREPLUMBER_MODULE_DIR": str(self._wireplumber),
            "WIREPLUMBER_CONFIG_DIR": f"{self.folder}/wireplumber",
            "WIREPLUMBER_DATA_DIR": f"{self.folder}/wireplumber",
        }
        with open(self.folder / "log", "ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, process_group=0
                )
            )

    def _wait(self, what: str, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 15
        while not there():
            ended = [process.args for process in self._processes if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"PipeWire lacks {what}; ended: {ended}; {(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def _load(self, *words: str) -> None:
        self._wait(words[0], lambda: self._pactl("load-module", *words) is not None)

    def _names(self) -> list[str]:
        return [line.split("\t")[1] for what in ("sinks", "sources")
                for line in (self._pactl("list", "short", what) or "").splitlines()]  # fmt: skip

    def _pactl(self, *words: str) -> str | None:
        try:
            done = subprocess.run(
                ["pactl", *words], env=self.environment(), capture_output=True, text=True, timeout=5
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    # -- its configuration --------------------------------------------------------------------------------------------

    def _configuration(self) -> str:
        positions = {1: "[ MONO ]", 2: "[ FL FR ]"}
        sinks = "\n".join(
            f"{{ factory = adapter args = {{ factory.name = support.null-audio-sink node.name = {name} "
            f"media.class = Audio/Sink audio.rate = {rate} audio.position = {positions[channels]} "
            "object.linger = true monitor.channel-volumes = true } }"
            for name, (rate, channels) in _SINKS.items()
        )
        modules = "\n".join(
            f"{{ name = libpipewire-module-{name} }}"
            for name in (
                "protocol-native", "metadata", "spa-device-factory", "spa-node-factory", "client-node", "client-device",
                "access", "adapter", "link-factory", "session-manager",
            )
        )  # fmt: skip
        return f"""
context.properties = {{
    core.daemon = true
    core.name = pipewire-0
    default.clock.rate = 48000
    default.clock.quantum = {self._quantum}
    default.clock.min-quantum = {self._quantum}
    default.clock.max-quantum = 8192
    vm.overrides = {{ }}
    support.dbus = false
}}
context.spa-libs = {{
    audio.convert.* = audioconvert/libspa-audioconvert
    support.* = support/libspa-support
}}
context.modules = [ {modules} ]
context.objects = [
    {{ factory = spa-node-factory args = {{ factory.name = support.node.driver node.name = Dummy-Driver
       node.group = pipewire.dummy priority.driver = 20000 }} }}
    {sinks}
]
"""

    def _configure_wireplumber(self) -> None:
        """Links streams with devices; no hardware, no D-Bus, no memory of what was there before."""
        theirs, ours = self._root / "usr/share/wireplumber", self.folder / "wireplumber"
        shutil.copytree(theirs, ours)
        if self._wireplumber.name == "wireplumber-0.4":
            self._configure_by_scripts(ours)
        else:
            (ours / "wireplumber.conf.d").mkdir(exist_ok=True)
            disabled = "\n".join(f"{name} = disabled" for name in _DISABLED)
            (ours / "wireplumber.conf.d" / "90-tests.conf").write_text(
                f"wireplumber.profiles = {{ main = {{ {disabled} }} }}\n"
            )

    @staticmethod
    def _configure_by_scripts(ours: Path) -> None:
        configuration = (ours / "wireplumber.conf").read_text().splitlines()
        (ours / "wireplumber.conf").write_text("\n".join(line for line in configuration if "bluetooth" not in line))
        (ours / "main.lua.d" / "90-enable-all.lua").write_text(
            'load_module("metadata")\n'
            'default_access.properties["enable-flatpak-portal"] = false\n'
            "default_access.enable()\n"
            'device_defaults.properties["use-persistent-storage"] = false\n'
            "device_defaults.enable()\n"
            'load_script("intended-roles.lua")\n'
        )

    def _alsa_configuration(self) -> str:
        plugin = self._libraries / "alsa-lib" / "libasound_module_pcm_pipewire.so"
        lines = [f'pcm_type.pipewire {{ lib "{plugin}" }}']
        for name, (side, slave) in DEVICES.items():
            lines.append(f"pcm.{name} {{ type asym {side}.pcm {{ {slave} }} }}")
        lines.append("pcm.!default { type pulse }")
        return "\n".join(lines) + "\n"
