"""Keeps the sound libraries that PortAudio calls from printing on standard error."""
from livekit_utils._kernels cimport csrc


def quiet_sound_libraries():
    """Gives ALSA and JACK error handlers that do nothing, where this process has loaded them; on Linux only.

    Returns:
        How many handlers were set.

    Threads: any. It releases the GIL: the loader's lock may be held by a plugin whose initialiser hangs.
    """
    cdef size_t num_set
    with nogil:
        num_set = csrc.lku_quiet_sound_libraries()
    return num_set
