#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "limits.h"

static void sooner(int64_t *deadline, int64_t other) {
    if (other < *deadline) *deadline = other;
}

/* Writes what waits in the log; a disk that refuses is asked again later. */
static bool flush_log(struct session *session, bool durable) {
    if (events_flush(&session->log, durable) == 0) return true;
    sooner(&session->retry_at, monotonic_ms() + DISK_RETRY_MS);
    return false;
}

static void begin_ending(struct session *session, const char *reason, int64_t grace) {
    if (!session->ending.leader_gone && session->ending.step == STEP_QUIET) {
        events_add(&session->log, "ending %s %lld", reason, (long long)wall_ms());
        flush_log(session, false);
    }
    if (!ending_complete(&session->ending)) ending_demand(&session->ending, grace);
}

/* Takes in every child that ended: the leader, and whoever was left to this process by a dead parent. */
static void reap(struct session *session) {
    int status;
    pid_t pid;
    bool leader_gone = false;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != session->ending.leader || session->ending.leader_gone) continue;
        leader_gone = session->ending.leader_gone = true;
        bool by_signal = WIFSIGNALED(status);
        events_add(&session->log, "exited %s %d %lld", by_signal ? "signal" : "code",
                   by_signal ? WTERMSIG(status) : WEXITSTATUS(status), (long long)wall_ms());
        flush_log(session, false);
        input_close(&session->input, true);
        session->input_due = true;
    }
    bool children = pid == 0 || errno != ECHILD;
    ending_look(&session->ending, children);
    if (leader_gone) ending_leader_gone(&session->ending, session->spec.leftover_ms);
}

static void read_signals(struct session *session) {
    struct signalfd_siginfo info;
    while (read(session->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM) begin_ending(session, "aborted", SHUTDOWN_GRACE_MS);
    }
}

static void obey(struct session *session, const struct message *message) {
    switch (message->order) {
    case ORDER_CONSUMED:
        if (message->stream == STREAM_OUTPUT || message->stream == STREAM_ERRORS) {
            spool_consume(&session->spools[message->stream - 1], message->number);
        }
        break;
    case ORDER_INPUT:
        if (!input_take(&session->input, message->bytes, message->length)) control_drop(&session->control);
        session->input_due |= session->input.pipe < 0;
        break;
    case ORDER_CLOSE_INPUT:
        input_close(&session->input, false);
        break;
    case ORDER_STOP:
        begin_ending(session, "aborted", (int64_t)(message->number & INT32_MAX));
        break;
    case ORDER_RELEASE:
        session->released = true;
        break;
    }
}

static void hear(struct session *session) {
    if (control_accept(&session->control)) {
        memset(session->rung, 0, sizeof session->rung);
        session->hello_due = session->input_due = true;
    }
    struct message message;
    enum received received;
    while ((received = control_receive(&session->control, &message)) == RECEIVED_MESSAGE) obey(session, &message);
    /* With nobody there to read the end, there is nobody to wait for either. */
    if (received == RECEIVED_END && session->finished) session->released = true;
}

/* Moves output. Returns whether there is more to move at once. */
static bool pump(struct session *session) {
    bool more = false;
    for (int i = 0; i < 2; i++) {
        enum pump result = spool_pump(&session->spools[i]);
        if (result == PUMP_MORE) more = true;
        if (result == PUMP_STUCK) sooner(&session->retry_at, monotonic_ms() + DISK_RETRY_MS);
        /* Past its deadline a pipe holds only what an outsider writes: the tree's own words were in it before. */
        if (monotonic_ms() >= session->drain_until && (result == PUMP_EMPTY || result == PUMP_WAITS)) {
            spool_close(&session->spools[i]);
        }
    }
    if (input_pump(&session->input)) session->input_due = true;
    return more;
}

/* Once the tree is gone, pipes have a moment to run empty; then the end is written down. */
static void conclude(struct session *session) {
    if (!ending_complete(&session->ending) || session->finished) return;
    if (session->drain_until == NEVER) {
        session->drain_until = monotonic_ms() + session->spec.drain_ms;
        for (int i = 0; i < 2; i++) session->spools[i].limit += DRAIN_BYTES;
    }
    for (int i = 0; i < 2; i++) {
        if (session->spools[i].pipe >= 0 || session->spools[i].stuck) return;
    }
    if (!session->recorded) {
        session->recorded = true;
        /* `finished` promises these sizes: they must not be more durable than the bytes. */
        for (int i = 0; i < 2; i++) {
            if (session->spools[i].consumed < session->spools[i].size) fdatasync(session->spools[i].file);
        }
        uint64_t ended = ending_record(&session->ending, &session->log);
        events_add(&session->log, "finished %llu %llu %llu %lld", (unsigned long long)session->spools[0].size,
                   (unsigned long long)session->spools[1].size, (unsigned long long)ended, (long long)wall_ms());
    }
    if (!flush_log(session, true)) return;
    session->finished = true;
    session->linger_until = monotonic_ms() + (session->control.agent >= 0 ? LINGER_MS : 0);
}

/* Sends one packet; a socket that is full is tried again when it is not. */
static bool tell(struct session *session, enum bell bell, uint8_t stream, uint32_t number, uint64_t value) {
    if (session->agent_full) return false;
    session->agent_full = !control_ring(&session->control, bell, stream, number, value);
    return !session->agent_full;
}

/* Tells the agent what it does not know yet. */
static void ring(struct session *session) {
    if (session->control.agent < 0) return;
    session->agent_full = false;
    if (session->hello_due) {
        uint32_t leader = (uint32_t)session->ending.leader;
        session->hello_due = !tell(session, BELL_HELLO, 1, leader, session->input.received);
    }
    if (session->input_due) {
        session->input_due = !tell(session, BELL_INPUT, 0, session->input.pipe < 0, session->input.written);
    }
    int64_t now = monotonic_ms();
    uint64_t sizes[STREAM_COUNT] = {session->log.size, session->spools[0].size, session->spools[1].size};
    bool output = false;
    /* Output first: when the agent hears of the end, it has heard of every byte. */
    for (int stream = STREAM_COUNT - 1; stream >= 0; stream--) {
        bool due = stream == STREAM_EVENTS || session->finished || now >= session->bell_at;
        if (!due || sizes[stream] == session->rung[stream]) continue;
        if (!tell(session, BELL_SIZE, (uint8_t)stream, 0, sizes[stream])) continue;
        session->rung[stream] = sizes[stream];
        output |= stream != STREAM_EVENTS;
    }
    if (output) session->bell_at = now + BELL_INTERVAL_MS;
}

/* How long the loop may sleep. */
static int patience(const struct session *session) {
    int64_t deadline = session->timeout_at;
    sooner(&deadline, session->ending.deadline);
    sooner(&deadline, session->retry_at);
    sooner(&deadline, session->linger_until);
    int64_t now = monotonic_ms();
    /* Once it has passed, a pipe that is still open is being moved, or waits for the disk. */
    if (!session->finished && session->drain_until > now) sooner(&deadline, session->drain_until);
    bool unrung = session->rung[1] != session->spools[0].size || session->rung[2] != session->spools[1].size;
    if (session->control.agent >= 0 && unrung && !session->agent_full) sooner(&deadline, session->bell_at);
    if (deadline == NEVER) return -1;
    int64_t left = deadline - now;
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static void wait_for_something(struct session *session, bool more) {
    const struct input *input = &session->input;
    bool input_waits = input->offset < input->length || (input->closing && input->pipe >= 0);
    struct pollfd interests[] = {
        {.fd = session->signals, .events = POLLIN},
        {.fd = session->control.listener, .events = POLLIN},
        {.fd = session->control.agent, .events = (short)(POLLIN | (session->agent_full ? POLLOUT : 0))},
        {.fd = spool_wants(&session->spools[0]) ? session->spools[0].pipe : -1, .events = POLLIN},
        {.fd = spool_wants(&session->spools[1]) ? session->spools[1].pipe : -1, .events = POLLIN},
        /* Without interest in writing, this still tells when the process closes its end. */
        {.fd = input->pipe, .events = (short)(input_waits ? POLLOUT : 0)},
    };
    if (poll(interests, sizeof interests / sizeof *interests, more ? 0 : patience(session)) < 0) return;
    if (interests[5].revents & POLLERR) {
        input_close(&session->input, true);
        session->input_due = true;
    }
}

static void keep_time(struct session *session) {
    int64_t now = monotonic_ms();
    if (now >= session->timeout_at) {
        session->timeout_at = NEVER;
        if (session->ending.step == STEP_QUIET) begin_ending(session, "timeout", session->spec.grace_ms);
    }
    if (now >= session->retry_at) {
        session->retry_at = NEVER;
        flush_log(session, false);
    }
    ending_tick(&session->ending);
}

void session_run(struct session *session, pid_t leader) {
    ending_prepare(&session->ending, leader, session->spec.cgroup);
    session->drain_until = session->retry_at = session->linger_until = session->timeout_at = NEVER;
    session->bell_at = 0;
    session->hello_due = true;
    session->input_due = true;
    if (leader == 0) session->ending.leader_gone = session->ending.tree_gone = true;
    else if (session->spec.timeout_ms > 0) session->timeout_at = monotonic_ms() + session->spec.timeout_ms;

    /* The first turn waits for nothing: the agent is to be greeted. */
    bool more = true;
    while (!session->released || !session->finished) {
        /* Asked before listening and obeyed after it: what the agent had sent by then still counts. */
        bool lingered = session->finished && monotonic_ms() >= session->linger_until;
        wait_for_something(session, more);
        read_signals(session);
        hear(session);
        keep_time(session);
        reap(session);
        more = pump(session);
        /* Writing the end down waits for the disk; the last output need not wait with it. */
        if (!session->finished) ring(session);
        conclude(session);
        ring(session);
        if (lingered) break;
    }
}
