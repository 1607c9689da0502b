#ifndef NAVE_TREE_H
#define NAVE_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "limits.h"

/* The processes of the session. As a child subreaper, the supervisor is the ancestor of every one of them whatever
 * they do (double fork, setsid, a dead parent): the tree below it is complete, and "no child left to wait for" proves
 * it empty. A cgroup, where there is one, is asked as well and can be killed in one stroke. */
struct process {
    pid_t pid, parent;
    char state;
    unsigned long long start_time;  /* clock ticks since boot, field 22 of /proc/PID/stat */
};

/* Reads /proc/PID/stat. False if there is no such process. */
bool process_read(pid_t pid, struct process *process);

/* The command line, or the name in brackets where there is none; control bytes become question marks. */
void process_command(pid_t pid, char command[COMMAND_BYTES]);

/* Sees each process of the tree that is not a zombie, parents first. A pass over a changing tree may miss some:
 * repeat until two passes see nothing. Returns how many it saw. */
typedef void tree_visitor(const struct process *process, void *context);
int tree_walk(const char *cgroup, tree_visitor *visit, void *context);

/* Sends a signal to a process of the tree, and to no other that got its number since it was seen. */
void tree_signal(const struct process *process, int signal_number);

/* Whether the cgroup holds any process. False without a cgroup. */
bool cgroup_populated(const char *cgroup);

/* Kills everything in the cgroup at once, forks in flight included. */
void cgroup_kill(const char *cgroup);

#endif
