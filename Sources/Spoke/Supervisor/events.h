#ifndef NAVE_EVENTS_H
#define NAVE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The session's durable history: the file `events`, one line per event, only ever appended to. What cannot be written
 * because the disk is full waits in memory in its order; nothing is lost and nothing overtakes.
 *
 *   started PID STARTTIME BOOTID AT      before the command runs, so that a second start is refused
 *   failed STAGE ERRNO                   STAGE is `directory`, `program`, `pipe` or `fork`
 *   ending REASON AT                     `aborted` or `timeout`, while the leader still ran
 *   exited code|signal NUMBER AT         the leader
 *   ended PID COMMAND                    one process of the tree that was told to go, and went
 *   remaining PID COMMAND                one that did not
 *   finished STDOUT STDERR ENDED AT      bytes per spool, how many processes were ended; always the last line
 *
 * AT is milliseconds since 1970, COMMAND is the rest of the line. */
struct event_log {
    int file;
    uint64_t size;  /* bytes in the file */
    char *waiting;  /* bytes that are not in the file yet */
    size_t waiting_length, waiting_room;
};

/* Opens or makes the file. Sets `*started` if a session has been started from it already. Returns 0 or an errno. */
int events_open(struct event_log *log, bool *started);

/* Adds one line; `format` brings no line end. Nothing is written before the next flush. */
void events_add(struct event_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes what waits and, if `durable`, makes it survive a power cut. Returns 0 or the errno of a disk that refused:
 * then try again later. */
int events_flush(struct event_log *log, bool durable);

#endif
