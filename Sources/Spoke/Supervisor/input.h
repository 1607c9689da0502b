#ifndef NAVE_INPUT_H
#define NAVE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The process's standard input: bytes from the agent that wait until the process takes them. */
struct input {
    int pipe;           /* -1 when closed, or when the session has none */
    uint64_t received;  /* bytes from the agent, ever */
    uint64_t written;   /* bytes in the pipe, ever */
    bool closing;       /* close when empty */
    char *bytes;
    size_t length, offset;
};

/* Takes bytes from the agent. False if they exceed what may wait: a breach of the protocol. */
bool input_take(struct input *input, const char *bytes, size_t length);

/* Writes what the pipe takes. Returns whether `written` or the pipe's being open changed. */
bool input_pump(struct input *input);

/* Ends the input, after what waits unless `discard`. */
void input_close(struct input *input, bool discard);

#endif
