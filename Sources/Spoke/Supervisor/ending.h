#ifndef NAVE_ENDING_H
#define NAVE_ENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "events.h"
#include "limits.h"

/* How a session's tree is brought to its end:
 *
 *   quiet ──stop, timeout──▶ interrupt ──grace──▶ terminate ──grace──▶ kill ──▶ gone, or given up
 *     └──── the leader left others behind ───────────▲
 *
 * Interrupt goes to the leader's process group, as Ctrl-C in a terminal would; terminate and kill go to every process
 * of the tree. Killing is repeated until nothing is left, since a tree that forks cannot be seen whole in one pass. */
enum step { STEP_QUIET, STEP_INTERRUPT, STEP_TERMINATE, STEP_KILL, STEP_GAVE_UP };

struct ended {
    pid_t pid;
    unsigned long long start_time;
    char command[COMMAND_BYTES];
};

struct ending {
    enum step step;
    int64_t deadline;    /* when the next step is due */
    int64_t grace;       /* between steps */
    int64_t kill_until;  /* when killing is given up */
    int64_t kill_pause;  /* between two passes of killing; grows */
    const char *cgroup;
    pid_t leader;
    bool leader_gone;
    bool tree_gone;      /* no child to wait for, and an empty cgroup: the proof */
    struct ended *named; /* who was told to go; at most NAMED_PROCESSES */
    int named_count;
    uint64_t told_count; /* how many, named or not */
};

/* Prepares for a tree that grows from `leader`. */
void ending_prepare(struct ending *ending, pid_t leader, const char *cgroup);

/* Starts the ladder, or hastens it to its next step if it has started. */
void ending_demand(struct ending *ending, int64_t grace);

/* The leader is gone: whatever else lives goes as well. `leftover` is its grace if none was set. */
void ending_leader_gone(struct ending *ending, int64_t leftover);

/* Looks whether the tree is empty. `children` is whether there is a child left to wait for. */
void ending_look(struct ending *ending, bool children);

/* Does what is due. */
void ending_tick(struct ending *ending);

/* Whether nothing more will change: the tree is gone, or what remains of it cannot be killed. */
bool ending_complete(const struct ending *ending);

/* Writes who was ended and who remains into the log; returns how many were ended. */
uint64_t ending_record(struct ending *ending, struct event_log *log);

#endif
