#include "quiet.h"

#if defined(__linux__)

#include <dlfcn.h>
#include <string.h>

/* The handlers' types are those of alsa/error.h and jack/jack.h. */
typedef void (*alsa_handler)(const char *file, int line, const char *function, int error, const char *format, ...);
typedef int (*alsa_setter)(alsa_handler handler);
typedef void (*jack_handler)(const char *message);
typedef void (*jack_setter)(jack_handler handler);

static void ignore_alsa(const char *file, int line, const char *function, int error, const char *format, ...) {
    (void)file, (void)line, (void)function, (void)error, (void)format;
}

static void ignore_jack(const char *message) {
    (void)message;
}

/* A library that is not loaded yet is not loaded for this: PortAudio was built without it. */
static void *loaded(const char *name) {
    return dlopen(name, RTLD_NOLOAD | RTLD_NOW);
}

static size_t quiet_alsa(void) {
    void *library = loaded("libasound.so.2");
    if (library == NULL)
        return 0;
    void *address = dlsym(library, "snd_lib_error_set_handler");
    if (address != NULL) {
        alsa_setter set;
        memcpy(&set, &address, sizeof set); /* ISO C has no cast from an object to a function */
        set(ignore_alsa);
    }
    dlclose(library); /* PortAudio keeps it loaded */
    return address != NULL;
}

static size_t quiet_jack(void) {
    static const char *const NAMES[] = {"jack_set_error_function", "jack_set_info_function"};
    void *library = loaded("libjack.so.0");
    if (library == NULL)
        return 0;
    size_t num_set = 0;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        void *address = dlsym(library, NAMES[i]);
        if (address == NULL)
            continue;
        jack_setter set;
        memcpy(&set, &address, sizeof set);
        set(ignore_jack);
        num_set++;
    }
    dlclose(library);
    return num_set;
}

size_t lku_quiet_sound_libraries(void) {
    return quiet_alsa() + quiet_jack();
}

#else

size_t lku_quiet_sound_libraries(void) {
    return 0;
}

#endif
