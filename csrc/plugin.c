#define _DEFAULT_SOURCE /* glibc: on_exit */
#include "plugin.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__GLIBC__)
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#endif

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

/* Declared here, not defined, so nothing is exported. */
#define LIVEKIT_AUDIO_FILTER_API
#include "livekit_audio_filter.h"

typedef void (*function)(void);

typedef struct symbol {
    const char *name;
    size_t offset; /* in lku_plugin */
    bool required;
} symbol;

/* Does not compile where a function's type is not that of the header for plugins. */
#define SYMBOL(word, required) \
    {"audio_filter_" #word, _Generic(&audio_filter_##word, lku_##word: offsetof(lku_plugin, word)), required}

static const symbol SYMBOLS[] = {
    SYMBOL(on_load, true),
    SYMBOL(create, true),
    SYMBOL(destroy, true),
    SYMBOL(process_int16, true),
    SYMBOL(process_float, true),
    SYMBOL(update_stream_info, true),
    SYMBOL(create_v2, false),
    SYMBOL(process_int16_v2, false),
    SYMBOL(update_token, false),
};

enum { NUM_SYMBOLS = sizeof SYMBOLS / sizeof *SYMBOLS };

#if defined(_WIN32)

static void *open_library(const lku_path_char *path) {
    /* The library's own folder, not the program's, is where its dependencies are looked for. */
    return LoadLibraryExW(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
}

static void close_library(void *library) {
    FreeLibrary(library);
}

static function find(void *library, const char *name) {
    const FARPROC address = GetProcAddress(library, name);
    function found;
    memcpy(&found, &address, sizeof found);
    return found;
}

static void describe_failure(char *reason, size_t num_reason) {
    const DWORD options = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK;
    const DWORD room = num_reason > 4096 ? 4096 : (DWORD)num_reason;
    const DWORD length = FormatMessageA(options, NULL, GetLastError(), 0, reason, room, NULL);
    reason[length < room ? length : 0] = '\0';
}

#else

static void *open_library(const lku_path_char *path) {
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static void close_library(void *library) {
    dlclose(library);
}

static function find(void *library, const char *name) {
    void *const address = dlsym(library, name);
    function found;
    _Static_assert(sizeof found == sizeof address, "POSIX: a function fits into a void *");
    memcpy(&found, &address, sizeof found);
    return found;
}

static void describe_failure(char *reason, size_t num_reason) {
    const char *text = dlerror();
    const size_t length = text == NULL ? 0 : strlen(text);
    const size_t kept = lku_min_size(length, num_reason - 1);
    if (kept > 0)
        memcpy(reason, text, kept);
    reason[kept] = '\0';
}

#endif

/* Calls into the system's loader that have not come back. */
static atomic_int calls_in_loader;

#if defined(__GLIBC__)

/* glibc holds its lock while the initialisers of a library run, and exit() takes the same lock: a library whose
 * initialiser hangs would keep the process from ending. */
static void leave_a_hanging_loader(int status, void *unused) {
    (void)unused;
    if (atomic_load(&calls_in_loader) > 0) {
        fflush(stdout);
        _exit(status);
    }
}

static void enter_loader(void) {
    static atomic_flag registered = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&registered))
        on_exit(leave_a_hanging_loader, NULL);
    atomic_fetch_add(&calls_in_loader, 1);
}

#else

static void enter_loader(void) {
    atomic_fetch_add(&calls_in_loader, 1);
}

#endif

static void leave_loader(void) {
    atomic_fetch_sub(&calls_in_loader, 1);
}

bool lku_plugin_open(lku_plugin *plugin, const lku_path_char *path, char *reason, size_t num_reason) {
    memset(plugin, 0, sizeof *plugin);
    enter_loader();
    plugin->library = open_library(path);
    leave_loader();
    if (plugin->library == NULL) {
        describe_failure(reason, num_reason);
        return false;
    }
    for (size_t i = 0; i < NUM_SYMBOLS; i++) {
        const function found = find(plugin->library, SYMBOLS[i].name);
        memcpy((char *)plugin + SYMBOLS[i].offset, &found, sizeof found);
    }
    return true;
}

void lku_plugin_close(lku_plugin *plugin) {
    enter_loader();
    close_library(plugin->library);
    leave_loader();
    memset(plugin, 0, sizeof *plugin);
}

const char *lku_plugin_missing(const lku_plugin *plugin, size_t index) {
    for (size_t i = 0; i < NUM_SYMBOLS; i++) {
        function found;
        memcpy(&found, (const char *)plugin + SYMBOLS[i].offset, sizeof found);
        if (SYMBOLS[i].required && found == NULL && index-- == 0)
            return SYMBOLS[i].name;
    }
    return NULL;
}

static bool has_v2(const lku_plugin *plugin) {
    return plugin->create_v2 != NULL && plugin->process_int16_v2 != NULL;
}

void *lku_plugin_create(const lku_plugin *plugin, uint32_t sample_rate, const char *options_json,
                        const char *stream_info_json) {
    if (has_v2(plugin))
        return plugin->create_v2(sample_rate, sample_rate, options_json, stream_info_json);
    return plugin->create(sample_rate, options_json, stream_info_json);
}

void lku_plugin_process(const lku_plugin *plugin, const void *session, const int16_t *in, size_t num_samples,
                        int16_t *out) {
    if (has_v2(plugin))
        plugin->process_int16_v2(session, num_samples, in, num_samples, out);
    else
        plugin->process_int16(session, num_samples, in, out);
}
