#ifndef NAVE_SESSION_H
#define NAVE_SESSION_H

#include "control.h"
#include "ending.h"
#include "events.h"
#include "input.h"
#include "spec.h"
#include "spool.h"

/* One session from its start to its end: the loop that owns everything. */
struct session {
    struct spec spec;
    struct event_log log;
    struct spool spools[2];  /* standard output, standard error */
    struct input input;
    struct control control;
    struct ending ending;
    int signals;             /* a signalfd for SIGCHLD and SIGTERM */
    int64_t timeout_at;      /* the session's own time limit */
    int64_t drain_until;     /* after the tree's end: when open pipes are given up */
    int64_t retry_at;        /* a full disk: when to try again */
    int64_t bell_at;         /* when output may be rung for again */
    int64_t linger_until;    /* after `finished`: when to go unasked */
    bool finished;           /* the last line is in the log */
    bool recorded;           /* the last lines are queued for the log */
    bool released;
    uint64_t rung[STREAM_COUNT];  /* sizes that the agent knows */
    bool hello_due, input_due;
    bool agent_full;         /* its socket takes no more for the moment */
};

/* Runs the session whose command is `leader`, or that could not be started if that is 0, until everything about it
 * is in the files and the agent was given its chance to read it. */
void session_run(struct session *session, pid_t leader);

#endif
