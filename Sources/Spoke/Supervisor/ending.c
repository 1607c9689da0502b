#define _GNU_SOURCE
#include "ending.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "tree.h"

/* Passes of killing in one turn, before the loop looks at pipes and orders again. */
#define KILL_PASSES 16
#define KILL_PAUSE_MAX_MS 50

void ending_prepare(struct ending *ending, pid_t leader, const char *cgroup) {
    memset(ending, 0, sizeof *ending);
    ending->deadline = NEVER;
    ending->leader = leader;
    ending->cgroup = cgroup;
}

/* Takes a process into the proof, once. */
static void name(struct ending *ending, const struct process *process) {
    for (int i = 0; i < ending->named_count; i++) {
        const struct ended *other = &ending->named[i];
        if (other->pid == process->pid && other->start_time == process->start_time) return;
    }
    ending->told_count++;
    if (!ending->named) ending->named = calloc(NAMED_PROCESSES, sizeof *ending->named);
    if (!ending->named || ending->named_count == NAMED_PROCESSES) return;
    struct ended *ended = &ending->named[ending->named_count++];
    ended->pid = process->pid;
    ended->start_time = process->start_time;
    process_command(process->pid, ended->command);
}

static void visit_name(const struct process *process, void *context) {
    name(context, process);
}

static void visit_terminate(const struct process *process, void *context) {
    name(context, process);
    tree_signal(process, SIGTERM);
    /* A stopped process would hear of it only when somebody let it go on. */
    tree_signal(process, SIGCONT);
}

static void visit_kill(const struct process *process, void *context) {
    /* First the deed, then its record: whoever forks has no time to lose. The command line outlives the signal by
     * little, so a process that was never named before is named by what is left. */
    struct ending *ending = context;
    if (ending->named_count < NAMED_PROCESSES) name(ending, process);
    else ending->told_count++;
    tree_signal(process, SIGKILL);
}

static void enter(struct ending *ending, enum step step) {
    int64_t now = monotonic_ms();
    ending->step = step;
    ending->deadline = now + ending->grace;
    switch (step) {
    case STEP_INTERRUPT:
        /* Everybody is named while they live, for the proof. */
        tree_walk(ending->cgroup, visit_name, ending);
        kill(-ending->leader, SIGINT);
        kill(-ending->leader, SIGCONT);
        break;
    case STEP_TERMINATE:
        tree_walk(ending->cgroup, visit_terminate, ending);
        break;
    case STEP_KILL:
        ending->kill_until = now + KILL_WAIT_MS;
        ending->kill_pause = 1;
        ending->deadline = now;
        break;
    case STEP_QUIET:
    case STEP_GAVE_UP:
        ending->deadline = NEVER;
        break;
    }
}

void ending_demand(struct ending *ending, int64_t grace) {
    if (ending->step == STEP_QUIET) {
        ending->grace = grace;
        enter(ending, STEP_INTERRUPT);
    } else if (ending->step < STEP_KILL) {
        if (grace < ending->grace) ending->grace = grace;
        enter(ending, ending->step + 1);
    }
}

void ending_leader_gone(struct ending *ending, int64_t leftover) {
    ending->leader_gone = true;
    if (ending->tree_gone) return;
    if (ending->step == STEP_QUIET) ending->grace = leftover;
    /* The interrupt was the leader's to pass on. The others are asked themselves. */
    if (ending->step <= STEP_INTERRUPT) enter(ending, STEP_TERMINATE);
}

void ending_look(struct ending *ending, bool children) {
    ending->tree_gone = ending->leader_gone && !children && !cgroup_populated(ending->cgroup);
    if (ending->tree_gone) ending->deadline = NEVER;
}

static void kill_all(struct ending *ending) {
    if (ending->cgroup) {
        /* In one stroke there is no time to name anybody, so they are named before. */
        tree_walk(ending->cgroup, visit_name, ending);
        cgroup_kill(ending->cgroup);
    }
    for (int pass = 0; pass < KILL_PASSES; pass++) {
        if (tree_walk(ending->cgroup, visit_kill, ending) == 0) break;
    }
    ending->deadline = monotonic_ms() + ending->kill_pause;
    ending->kill_pause *= 2;
    if (ending->kill_pause > KILL_PAUSE_MAX_MS) ending->kill_pause = KILL_PAUSE_MAX_MS;
}

void ending_tick(struct ending *ending) {
    if (monotonic_ms() < ending->deadline) return;
    if (ending->step != STEP_KILL) enter(ending, ending->step + 1);
    if (ending->step != STEP_KILL) return;
    if (monotonic_ms() >= ending->kill_until) enter(ending, STEP_GAVE_UP);
    else kill_all(ending);
}

bool ending_complete(const struct ending *ending) {
    return ending->tree_gone || ending->step == STEP_GAVE_UP;
}

static void record_remaining(const struct process *process, void *context) {
    char command[COMMAND_BYTES];
    process_command(process->pid, command);
    events_add(context, "remaining %d %s", (int)process->pid, command);
}

uint64_t ending_record(struct ending *ending, struct event_log *log) {
    uint64_t remaining = 0;
    for (int i = 0; i < ending->named_count; i++) {
        const struct ended *ended = &ending->named[i];
        struct process process;
        bool alive = !ending->tree_gone && process_read(ended->pid, &process)
            && process.start_time == ended->start_time && process.state != 'Z';
        if (alive) remaining++;
        else events_add(log, "ended %d %s", (int)ended->pid, ended->command);
    }
    if (!ending->tree_gone) tree_walk(ending->cgroup, record_remaining, log);
    return ending->told_count - remaining;
}
