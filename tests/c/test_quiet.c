#include <dlfcn.h>
#include <string.h>

#include "quiet.h"
#include "testing.h"

/* Where ALSA's library is installed, an error of it must print nothing: whoever runs this program looks at stderr. */

typedef int (*pcm_open)(void **pcm, const char *name, int stream, int mode);
typedef int (*free_config)(void);

static void look_up(void *library, const char *name, void *function) {
    void *address = dlsym(library, name);
    memcpy(function, &address, sizeof address); /* ISO C has no cast from an object to a function */
}

int main(int argc, char **argv) {
    start(argc, argv);
    CHECK(lku_quiet_sound_libraries() == 0, "no library is loaded, but %s", "a handler was set");
#if defined(__linux__)
    void *alsa = dlopen("libasound.so.2", RTLD_NOW);
    if (alsa == NULL)
        return 0;
    for (int round = 0; round < 3; round++)
        CHECK(lku_quiet_sound_libraries() == 1, "round %d: ALSA is loaded, but no handler was set", round);
    pcm_open open;
    free_config release;
    look_up(alsa, "snd_pcm_open", &open);
    look_up(alsa, "snd_config_update_free_global", &release);
    void *pcm = NULL;
    const int error = open(&pcm, "there is no such device", 0, 0);
    CHECK(error < 0, "a device that does not exist opens: %d", error);
    release();
    dlclose(alsa);
#endif
    return 0;
}
