#ifndef NAVE_START_H
#define NAVE_START_H

#include <sys/types.h>

#include "events.h"
#include "input.h"
#include "spec.h"
#include "spool.h"

/* What is the same for every child: what this process changed about itself and the command must not inherit. */
struct inheritance {
    mode_t mask;
    char oom_score[16];
};

/* Starts the command, at most once whatever happens in between: the child waits before its exec until `started` is
 * durable. Returns its pid, or 0 when it could not be started; then the reason is in the log. A log that cannot be
 * written leaves no trace and returns -errno: nothing ran, and trying again is right. */
pid_t start_command(const struct spec *spec, const struct inheritance *inheritance, struct event_log *log,
                    struct spool *output, struct spool *errors, struct input *input);

#endif
