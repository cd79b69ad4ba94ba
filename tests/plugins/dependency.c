/* What a filter built with NEEDS_DEPENDENCY calls. */
int dependency_offset(void);

__attribute__((visibility("default"))) int dependency_offset(void) {
    return 1000;
}
