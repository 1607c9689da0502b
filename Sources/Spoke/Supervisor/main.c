/* spoke-supervisor FOLDER: runs one session's command, apart from the agent that asked for it, so that neither a crash
 * nor an upgrade of the agent touches the work. Descriptor 3, if it is a socket, is the agent's first connection.
 *
 *   main     detaches, locks the folder, refuses a second start
 *   start    the command's birth, at most once      spool    its output, into files
 *   input    its standard input                     tree     the processes that grew from it
 *   ending   how they are brought to their end      events   the durable history
 *   control  the agent's orders, and bells for it   session  the loop around all of these */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limits.h"
#include "session.h"
#include "start.h"

#define AGENT_DESCRIPTOR 3

/* Leaves the agent's process session, and everything that was inherited except the agent's socket. */
static void detach(void) {
    pid_t child = fork();
    /* The agent waits for this process; the session's supervisor belongs to nobody. */
    if (child != 0) _exit(child < 0 ? 1 : 0);
    setsid();
    int null = open("/dev/null", O_RDWR);
    for (int standard = 0; standard < 3; standard++) dup2(null, standard);
    if (null > 2 && null != AGENT_DESCRIPTOR) close(null);
    if (close_range(AGENT_DESCRIPTOR + 1, ~0U, 0) < 0) {
        for (int other = AGENT_DESCRIPTOR + 1; other < 65536; other++) close(other);
    }
}

/* The socket that the agent passed, or -1 if this was started by hand. */
static int first_connection(void) {
    struct stat status;
    if (fstat(AGENT_DESCRIPTOR, &status) < 0 || !S_ISSOCK(status.st_mode)) return -1;
    fcntl(AGENT_DESCRIPTOR, F_SETFD, FD_CLOEXEC);
    fcntl(AGENT_DESCRIPTOR, F_SETFL, O_NONBLOCK);
    return AGENT_DESCRIPTOR;
}

/* Signals come through a descriptor; those that a write may cause are answered by its errno instead. */
static int open_signals(void) {
    for (int signal_number = 1; signal_number < NSIG; signal_number++) signal(signal_number, SIG_DFL);
    const int ignored[] = {SIGPIPE, SIGXFSZ, SIGHUP, SIGINT, SIGQUIT};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGTERM);
    sigprocmask(SIG_SETMASK, &wanted, NULL);
    return signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Without supervisor there is no session: where the kernel allows it, it is the last to go when memory runs out. */
static void outlive_others(struct inheritance *inheritance) {
    strcpy(inheritance->oom_score, "0");
    int file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    ssize_t count = read(file, inheritance->oom_score, sizeof inheritance->oom_score - 1);
    if (count > 0) inheritance->oom_score[count] = '\0';
    ssize_t ignored = pwrite(file, "-900", 4, 0);
    (void)ignored;
    close(file);
}

static int refuse(struct session *session, enum refusal refusal, int error) {
    control_ring(&session->control, BELL_REFUSED, refusal, (uint32_t)error, 0);
    return 1;
}

/* Makes everything that the session needs in the current directory. Returns 0, or an errno. */
static int prepare(struct session *session) {
    int error = control_open(&session->control);
    if (!error) error = spool_open(&session->spools[0], "stdout", session->spec.backlog_bytes);
    if (!error) error = spool_open(&session->spools[1], "stderr", session->spec.backlog_bytes);
    return error;
}

int main(int count, char **arguments) {
    static struct session session;
    struct inheritance inheritance;
    if (count != 2) {
        fprintf(stderr, "usage: spoke-supervisor FOLDER (the spoke starts it; see its `sessions` directory)\n");
        return 2;
    }
    detach();
    session.control.agent = first_connection();
    session.control.listener = session.input.pipe = -1;
    inheritance.mask = umask(077);
    if (chdir(arguments[1]) < 0) return refuse(&session, REFUSED_FOLDER, errno);

    int lock = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) return refuse(&session, REFUSED_FOLDER, errno);
    if (flock(lock, LOCK_EX | LOCK_NB) < 0) return refuse(&session, REFUSED_RUNNING, errno);
    bool started;
    int error = events_open(&session.log, &started);
    if (error) return refuse(&session, REFUSED_FOLDER, error);
    if (started) return refuse(&session, REFUSED_STARTED, 0);
    if ((error = spec_read(&session.spec)) || (error = prepare(&session))) {
        return refuse(&session, REFUSED_FOLDER, error);
    }

    outlive_others(&inheritance);
    session.signals = open_signals();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t leader = start_command(&session.spec, &inheritance, &session.log, &session.spools[0], &session.spools[1],
                                 &session.input);
    if (leader < 0) return refuse(&session, REFUSED_FOLDER, -leader);
    spec_forget(&session.spec);
    session_run(&session, leader);
    return 0;
}
