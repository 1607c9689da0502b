#define _GNU_SOURCE
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "limits.h"

int spool_open(struct spool *spool, const char *name, uint64_t limit) {
    memset(spool, 0, sizeof *spool);
    spool->pipe = -1;
    spool->limit = limit;
    spool->file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return spool->file < 0 ? errno : 0;
}

/* Whether a write leaves others the room without which nothing could ever be given back: the agent's journal must be
 * able to write down that output went on its way before the spool gets smaller. */
static bool leaves_reserve(const struct spool *spool) {
    struct statvfs disk;
    if (fstatvfs(spool->file, &disk) < 0) return true;
    uint64_t share = (uint64_t)disk.f_blocks * disk.f_frsize / DISK_RESERVE_SHARE;
    uint64_t reserve = share < DISK_RESERVE_BYTES ? share : DISK_RESERVE_BYTES;
    return (uint64_t)disk.f_bavail * disk.f_frsize > reserve;
}

/* How many bytes the disk took. */
static size_t store(struct spool *spool, const char *bytes, size_t length) {
    size_t stored = 0;
    if (!leaves_reserve(spool)) return 0;
    while (stored < length) {
        ssize_t count = pwrite(spool->file, bytes + stored, length - stored, (off_t)spool->size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        stored += (size_t)count;
        spool->size += (uint64_t)count;
    }
    return stored;
}

/* Gives back the place of what was consumed, in whole units. A file system without holes keeps the bytes until the
 * folder goes: nothing else depends on it. */
static void punch(struct spool *spool, uint64_t unit) {
    uint64_t whole = spool->consumed - spool->consumed % unit;
    if (whole <= spool->punched) return;
    (void)fallocate(spool->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)spool->punched,
                    (off_t)(whole - spool->punched));
    spool->punched = whole;
}

static bool store_stuck(struct spool *spool) {
    if (!spool->stuck) return true;
    /* What was consumed before the disk was full may be all that will ever be given back. */
    punch(spool, PAGE_BYTES);
    spool->stuck_offset += store(spool, spool->stuck + spool->stuck_offset, spool->stuck_length - spool->stuck_offset);
    if (spool->stuck_offset < spool->stuck_length) return false;
    free(spool->stuck);
    spool->stuck = NULL;
    return true;
}

/* Keeps what the disk did not take. The memory is the loop's own read buffer's worth at most. */
static void keep_stuck(struct spool *spool, const char *bytes, size_t length) {
    spool->stuck = malloc(length);
    if (!spool->stuck) abort();
    memcpy(spool->stuck, bytes, length);
    spool->stuck_length = length;
    spool->stuck_offset = 0;
}

enum pump spool_pump(struct spool *spool) {
    static char buffer[READ_BYTES];
    if (!store_stuck(spool)) return PUMP_STUCK;
    if (spool->pipe < 0) return PUMP_ENDED;
    for (size_t moved = 0; moved < TURN_BYTES;) {
        uint64_t backlog = spool->size - spool->consumed;
        if (backlog >= spool->limit) return PUMP_WAITS;
        size_t room = sizeof buffer;
        if (spool->limit - backlog < room) room = (size_t)(spool->limit - backlog);
        ssize_t count = read(spool->pipe, buffer, room);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return PUMP_EMPTY;
        if (count <= 0) {
            spool_close(spool);
            return PUMP_ENDED;
        }
        size_t stored = store(spool, buffer, (size_t)count);
        moved += stored;
        if (stored < (size_t)count) {
            keep_stuck(spool, buffer + stored, (size_t)count - stored);
            return PUMP_STUCK;
        }
    }
    return PUMP_MORE;
}

bool spool_wants(const struct spool *spool) {
    return spool->pipe >= 0 && !spool->stuck && spool->size - spool->consumed < spool->limit;
}

void spool_consume(struct spool *spool, uint64_t offset) {
    if (offset <= spool->consumed || offset > spool->size) return;
    spool->consumed = offset;
    /* On a full disk every page counts, otherwise few calls do. */
    punch(spool, spool->stuck ? PAGE_BYTES : PUNCH_BYTES);
}

void spool_close(struct spool *spool) {
    if (spool->pipe >= 0) close(spool->pipe);
    spool->pipe = -1;
}
