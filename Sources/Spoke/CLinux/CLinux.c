#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/falloc.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

/* Lets go of the segments of one program or library that nobody can have written to. */
static int let_go(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    (void)context;
    uintptr_t page = (uintptr_t)getpagesize();
    /* The kernel's own page in every process has no file to come back from. */
    if (strncmp(object->dlpi_name, "linux-vdso", 10) == 0) return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        /* Whole pages inside: what a neighbour shares is not ours to judge. */
        uintptr_t start = (object->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
        uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~(page - 1);
        if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void linux_give_back_memory(void) {
    malloc_trim(0);
    dl_iterate_phdr(let_go, NULL);
}

int64_t linux_unread_input(int32_t process) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/fd/0", (int)process);
    struct stat status;
    if (stat(path, &status) < 0 || !S_ISFIFO(status.st_mode)) return -1;
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return -1;
    int count = 0;
    int result = ioctl(file, FIONREAD, &count);
    close(file);
    return result < 0 ? -1 : count;
}
