/* Silence of the sound libraries that PortAudio calls on Linux.
 *
 * ALSA and JACK print their complaints on standard error, some ninety lines for one listing of the devices, and call an
 * error handler instead where one is set. The handlers set here do nothing. They are native code, because a handler is
 * called in any thread, among them the sound card's, and stays set until the process ends.
 */
#ifndef LKU_QUIET_H
#define LKU_QUIET_H

#include <stddef.h>

/* Sets the handlers of those libraries that this process has loaded; returns how many it set. Any thread; it may wait
 * for the loader's lock. On systems other than Linux it does nothing. */
size_t lku_quiet_sound_libraries(void);

#endif
