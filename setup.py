"""The compiled modules: which C files each is built from, and the switches for other builds.

LIVEKIT_UTILS_SANITIZE=address,undefined builds with those sanitizers, LIVEKIT_UTILS_DEBUG=1 without optimisation and
with debug information, LIVEKIT_UTILS_COVERAGE=1 with gcov's counters. LIVEKIT_UTILS_COMPILE=0 leaves the modules out,
for tools/develop.sh. Everything else is in pyproject.toml.
"""

import copy
import os
import platform
import sys
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# A kernel word names its module, its C file and its header; further C files that it calls are listed.
KERNELS = {
    "simd": ["simd"],
    "sample_queue": [],
    "limiter": ["limiter"],
    "gain_queue": ["mix", "level"],
    "shaped_queue": ["level"],
    "convert": ["convert"],
    "encoding": ["pcm", "g711", "convert"],
    "pcm": [],
    "g711": [],
    "level": ["level"],
    "channels": ["channels"],
    "linear": ["linear"],
    "high_pass": ["high_pass"],
    "polyphase": ["polyphase"],
    "variable_ratio": ["variable_ratio"],
    "sine": ["sine"],
    "dtmf": ["dtmf"],
    "loudness": ["loudness"],
    "short_spectrum": ["short_spectrum", "fft"],
    "overlap_add": ["overlap_add", "fft"],
    "echo_power": ["echo_power"],
    "noise_floor": ["noise_floor"],
    "noise_fill": ["noise_fill"],
    "upper_band": ["upper_band"],
    "give_back": ["give_back"],
    "denormals": ["denormals"],
    "ring_buffer": ["ring_buffer"],
    "plugin": ["plugin"],
    "quiet": ["quiet"],
    "pixels": ["pixels", "packed", "chroma", "yuv", "scale"],
}

# What Cython writes into each module otherwise: the type of compiled functions, and helpers.
SHARED = "livekit_utils._kernels._cyutility"

SANITIZE = os.environ.get("LIVEKIT_UTILS_SANITIZE", "")
DEBUG = os.environ.get("LIVEKIT_UTILS_DEBUG", "") == "1"
COVERAGE = os.environ.get("LIVEKIT_UTILS_COVERAGE", "") == "1"

if sys.platform == "win32":
    COMPILE = ["/O2", "/std:c11", "/experimental:c11atomics"]
    LINK = []
    LIBRARIES = []
else:
    # -ffp-contract=off: no fused multiply-add, so that every instruction set computes the same bits.
    COMPILE = ["-std=c11", "-O3", "-g0", "-fvisibility=hidden", "-ffp-contract=off", "-fno-math-errno"]
    COMPILE += ["-fno-trapping-math"]
    if platform.machine() in ("x86_64", "AMD64"):
        # AVX-512 without its wide registers: the short bursts of audio blocks gain nothing from 512 bits, and the
        # processor slows down whatever runs next; libsamplerate after a conversion by 7 %.
        COMPILE += ["-mprefer-vector-width=256"]
    # Each module would otherwise fill up pages for its code, its constants and its data.
    LINK = ["-Wl,-s", "-Wl,-z,noseparate-code"] if sys.platform.startswith("linux") else []
    # dlopen is in libdl where the C library is older than glibc 2.34.
    LIBRARIES = ["m", "dl"] if sys.platform.startswith("linux") else ["m"]
    if DEBUG or SANITIZE:
        COMPILE += ["-O1", "-g", "-fno-omit-frame-pointer"]
        LINK = []
    if SANITIZE:
        COMPILE += [f"-fsanitize={SANITIZE}"]
        LINK = [f"-fsanitize={SANITIZE}"]
    if COVERAGE:
        # The same seed for each object: a kernel that is part of several modules counts into one file. Counters are
        # atomic because kernels run in several threads at once.
        COMPILE += ["-O1", "-g", "--coverage", "-fprofile-update=atomic", "-frandom-seed=livekit_utils"]
        LINK = ["--coverage"]


# What runs for each frame of sound, and is compiled for speed. Of the others, that is for the kernels only: what Cython
# writes around them is most of the size.
EACH_FRAME = {
    *("livekit_utils.frames.audio_frame", "livekit_utils.sync.media_clock", "livekit_utils.conversion.arrival_window"),
    "livekit_utils.conversion.resampled_stream",
    *("livekit_utils._runtime.queues", "livekit_utils.mixing.mix_input", "livekit_utils.tracks.frame_cutter"),
    *("livekit_utils.sync.followed_audio", "livekit_utils.mixing.pace", "livekit_utils.mixing.timed_queue"),
    *("livekit_utils.tracks.frame_fifo", "livekit_utils.tracks.playout_clock", "livekit_utils.tracks.playout_queue"),
    *("livekit_utils._runtime.loop_timers", "livekit_utils._runtime.timer_fd"),
    *("livekit_utils.telephony.byte_framer", "livekit_utils.telephony.line", "livekit_utils.voice.drift", SHARED),
    *(
        f"livekit_utils._kernels.{word}"
        for word in (
            *("channels", "convert", "encoding", "gain_queue", "level", "pcm", "polyphase", "ring_buffer"),
            *("sample_queue", "shaped_queue", "variable_ratio"),
        )
    ),
}


def extension(name: str, source: str, kernels: list[str]) -> Extension:
    return Extension(
        name,
        [source] + [f"csrc/{kernel}.c" for kernel in kernels],
        include_dirs=["csrc", "livekit_utils/include"],
        depends=sorted(glob("csrc/*.h") + glob("livekit_utils/include/*.h")),
        extra_compile_args=COMPILE,
        extra_link_args=LINK,
        libraries=LIBRARIES,
    )


extensions = [
    extension(f"livekit_utils._kernels.{word}", f"livekit_utils/_kernels/{word}.pyx", files)
    for word, files in KERNELS.items()
]
# Compiled classes outside of the kernels.
extensions += [
    Extension(SHARED, [f"{SHARED.replace('.', '/')}.c"], extra_compile_args=COMPILE, extra_link_args=LINK),
    extension("livekit_utils._runtime.queues", "livekit_utils/_runtime/queues.pyx", []),
    extension("livekit_utils._runtime.loop_timers", "livekit_utils/_runtime/loop_timers.pyx", []),
    extension("livekit_utils._runtime.timer_fd", "livekit_utils/_runtime/timer_fd.pyx", []),
    extension("livekit_utils.frames.audio_frame", "livekit_utils/frames/audio_frame.pyx", ["concat"]),
    extension("livekit_utils.conversion.arrival_window", "livekit_utils/conversion/arrival_window.pyx", []),
    extension("livekit_utils.conversion.resampled_stream", "livekit_utils/conversion/resampled_stream.pyx", []),
    extension("livekit_utils.mixing.mix_input", "livekit_utils/mixing/mix_input.pyx", []),
    extension("livekit_utils.mixing.pace", "livekit_utils/mixing/pace.pyx", []),
    extension("livekit_utils.mixing.timed_queue", "livekit_utils/mixing/timed_queue.pyx", []),
    extension("livekit_utils.tracks.frame_cutter", "livekit_utils/tracks/frame_cutter.pyx", []),
    extension("livekit_utils.tracks.frame_fifo", "livekit_utils/tracks/frame_fifo.pyx", []),
    extension("livekit_utils.tracks.playout_clock", "livekit_utils/tracks/playout_clock.pyx", []),
    extension("livekit_utils.tracks.playout_queue", "livekit_utils/tracks/playout_queue.pyx", []),
    extension("livekit_utils.sync.followed_audio", "livekit_utils/sync/followed_audio.pyx", []),
    extension("livekit_utils.sync.media_clock", "livekit_utils/sync/media_clock.pyx", []),
    extension("livekit_utils.telephony.byte_framer", "livekit_utils/telephony/byte_framer.pyx", []),
    extension("livekit_utils.voice.drift", "livekit_utils/voice/drift.pyx", []),
    extension("livekit_utils.telephony.line", "livekit_utils/telephony/line.pyx", ["conceal"]),
]


class BuildSideBySide(build_ext):
    """Has Cython write and the compiler compile as many modules at once as there are processors, each with its own
    objects, since some share a kernel. What Cython writes is compiled for size where it seldom runs."""

    def finalize_options(self) -> None:
        super().finalize_options()
        # The counters of a kernel belong in one file.
        if self.parallel is None and sys.platform != "win32" and not COVERAGE:
            self.parallel = os.cpu_count()

    def run(self) -> None:
        # Here, and not for all commands: a source distribution and what is asked before a build need none of it.
        written = cythonize(
            self.extensions,
            nthreads=self.parallel or 0,
            build_dir="build",
            shared_utility_qualified_name=SHARED,
            shared_utility_features_disabled=["MemoryView"],  # typed memoryviews, which no module has
            # AudioFrame says how it is pickled; no other compiled class can be.
            compiler_directives={"language_level": 3, "boundscheck": True, "wraparound": False, "auto_pickle": False},
        )
        sources = {ext.name: ext.sources for ext in written}
        for ext in self.extensions:
            ext.sources = sources[ext.name]
        super().run()

    def build_extension(self, ext: Extension) -> None:
        apart = copy.copy(self)
        if self.parallel:
            apart.build_temp = os.path.join(self.build_temp, ext.name)
        if sys.platform != "win32" and ext.name not in EACH_FRAME and not (DEBUG or SANITIZE or COVERAGE):
            apart.compiler = copy.copy(self.compiler)

            def compile_one(out: str, source: str, kind: str, arguments: list, behind: list, macros: list) -> None:
                is_kernel = source.startswith("csrc")
                self.compiler._compile(out, source, kind, arguments, behind if is_kernel else [*behind, "-Os"], macros)

            apart.compiler._compile = compile_one
        build_ext.build_extension(apart, ext)


# Processes that Cython starts import this file again, on some systems.
if __name__ == "__main__":
    setup(
        cmdclass={"build_ext": BuildSideBySide},
        ext_modules=[] if os.environ.get("LIVEKIT_UTILS_COMPILE") == "0" else extensions,
    )
