#ifndef NAVE_CLOCK_H
#define NAVE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* A deadline that never comes. */
#define NEVER INT64_MAX

/* Milliseconds that only grow: what deadlines are measured with, so that a clock set by hand moves none. */
static inline int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Milliseconds since 1970: what is written into the event log. */
static inline int64_t wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
