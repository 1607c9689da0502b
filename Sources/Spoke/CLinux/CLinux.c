#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <malloc.h>
#include <unistd.h>

int linux_give_back(int file, int64_t offset) {
    long page = sysconf(_SC_PAGESIZE);
    int64_t whole = page > 0 ? offset - offset % page : 0;
    if (whole <= 0) return 0;
    return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)whole) == 0 ? 0 : errno;
}

void linux_keep_heap_small(void) {
    /* Every thread would get an arena of its own, each with its own free memory. */
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

void linux_trim_heap(void) { malloc_trim(0); }
