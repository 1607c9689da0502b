#ifndef NAVE_SPOOL_H
#define NAVE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One stream of the process: a pipe that is read into a file, byte for byte. */
struct spool {
    int pipe;           /* -1 once the stream has ended */
    int file;
    uint64_t size;      /* bytes in the file */
    uint64_t consumed;  /* bytes that the agent keeps elsewhere */
    uint64_t punched;   /* bytes that were given back to the file system */
    uint64_t limit;     /* unread bytes from where on the process has to wait */
    char *stuck;        /* bytes read that the disk did not take */
    size_t stuck_length, stuck_offset;
};

enum pump { PUMP_EMPTY, PUMP_MORE, PUMP_ENDED, PUMP_WAITS, PUMP_STUCK };

/* Makes the spool's file `name`. Returns 0 or an errno. */
int spool_open(struct spool *spool, const char *name, uint64_t limit);

/* Moves what is there, at most a turn's worth. Never blocks on the pipe, never loses a byte.
 * EMPTY: nothing to read; MORE: call again; ENDED: the last writer is gone; WAITS: the agent has to consume first;
 * STUCK: the disk refuses, try again later. */
enum pump spool_pump(struct spool *spool);

/* Whether the pipe is worth being polled: otherwise a hung-up pipe would wake the loop for ever. */
bool spool_wants(const struct spool *spool);

/* Everything before `offset` is kept elsewhere. Marks that go back or past the end are ignored. */
void spool_consume(struct spool *spool, uint64_t offset);

/* Stops listening to whoever still holds the pipe. */
void spool_close(struct spool *spool);

#endif
