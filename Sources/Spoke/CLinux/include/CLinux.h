#ifndef NAVE_CLINUX_H
#define NAVE_CLINUX_H

#include <stdint.h>

/* What the agent needs of Linux and Swift's own view of the C library does not show. */

/* Gives the whole pages of a file before `offset` back to the file system. Returns 0 or an errno. */
int linux_give_back(int file, int64_t offset);

/* Keeps the C library from holding memory for threads that rarely allocate. To be called before there are any. */
void linux_keep_heap_small(void);

/* Gives memory back that is free or can be had again: unused heap, and the pages of the program and its libraries that
 * were read from their files. What is needed again comes back from the page cache, a fault of a microsecond for each
 * 64 KiB; what was ever written stays. */
void linux_give_back_memory(void);

/* Bytes in the pipe that is a process's standard input and that nobody has read yet; -1 if that is no pipe, or the
 * process is gone or another's. */
int64_t linux_unread_input(int32_t process);

#endif
