#define _GNU_SOURCE
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "limits.h"

bool input_take(struct input *input, const char *bytes, size_t length) {
    size_t waiting = input->length - input->offset;
    if (length > INPUT_BYTES - waiting) return false;
    /* A closed input swallows: the agent learns of it from the closing, not from a broken connection. */
    if (input->pipe < 0 || input->closing) return true;
    if (!input->bytes) input->bytes = malloc(INPUT_BYTES);
    if (!input->bytes) return false;
    memmove(input->bytes, input->bytes + input->offset, waiting);
    memcpy(input->bytes + waiting, bytes, length);
    input->offset = 0;
    input->length = waiting + length;
    input->received += length;
    return true;
}

bool input_pump(struct input *input) {
    bool changed = false;
    while (input->pipe >= 0 && input->offset < input->length) {
        ssize_t count = write(input->pipe, input->bytes + input->offset, input->length - input->offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return changed;
        if (count < 0) {
            input_close(input, true);
            return true;
        }
        input->offset += (size_t)count;
        input->written += (uint64_t)count;
        changed = true;
    }
    if (input->closing && input->pipe >= 0) {
        input_close(input, true);
        changed = true;
    }
    return changed;
}

void input_close(struct input *input, bool discard) {
    input->closing = true;
    if (!discard || input->pipe < 0) return;
    close(input->pipe);
    input->pipe = -1;
    free(input->bytes);
    input->bytes = NULL;
    input->length = input->offset = 0;
}
