#ifndef NAVE_CLINUX_H
#define NAVE_CLINUX_H

#include <stdint.h>

/* What the agent needs of Linux and Swift's own view of the C library does not show. */

/* Gives the whole pages of a file before `offset` back to the file system. Returns 0 or an errno. */
int linux_give_back(int file, int64_t offset);

/* Keeps the C library from holding memory for threads that rarely allocate. To be called before there are any. */
void linux_keep_heap_small(void);

/* Gives free memory back to the system. */
void linux_trim_heap(void);

#endif
