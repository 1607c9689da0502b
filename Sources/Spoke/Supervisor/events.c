#define _GNU_SOURCE
#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.h"

int events_open(struct event_log *log, bool *started) {
    memset(log, 0, sizeof *log);
    *started = false;
    log->file = open("events", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (log->file < 0) return errno;
    struct stat status;
    if (fstat(log->file, &status) < 0) return errno;
    if (status.st_size == 0) return 0;
    /* The first line is always `started`, and the command waits until it is whole and durable. A torn one therefore
     * means that nothing ever ran. */
    char head[512];
    ssize_t count = pread(log->file, head, sizeof head, 0);
    if (count < 0) return errno;
    *started = memchr(head, '\n', (size_t)count) != NULL;
    if (!*started && ftruncate(log->file, 0) < 0) return errno;
    return 0;
}

static void append(struct event_log *log, const char *text, size_t length) {
    if (log->waiting_length + length > log->waiting_room) {
        size_t room = (log->waiting_length + length) * 2;
        char *larger = realloc(log->waiting, room);
        /* A few kilobytes are not to be had: the machine is beyond help, and a wrong history would be worse. */
        if (!larger) abort();
        log->waiting = larger;
        log->waiting_room = room;
    }
    memcpy(log->waiting + log->waiting_length, text, length);
    log->waiting_length += length;
}

void events_add(struct event_log *log, const char *format, ...) {
    char line[COMMAND_BYTES + 128];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line - 1, format, values);
    va_end(values);
    if (length < 0) return;
    if ((size_t)length > sizeof line - 2) length = sizeof line - 2;
    line[length] = '\n';
    append(log, line, (size_t)length + 1);
}

int events_flush(struct event_log *log, bool durable) {
    while (log->waiting_length > 0) {
        ssize_t count = pwrite(log->file, log->waiting, log->waiting_length, (off_t)log->size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return count < 0 ? errno : ENOSPC;
        log->size += (uint64_t)count;
        log->waiting_length -= (size_t)count;
        memmove(log->waiting, log->waiting + count, log->waiting_length);
    }
    if (durable && fdatasync(log->file) < 0) return errno;
    return 0;
}
