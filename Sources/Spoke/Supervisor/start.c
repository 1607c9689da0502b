#define _GNU_SOURCE
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "limits.h"
#include "tree.h"

enum stage { STAGE_DIRECTORY, STAGE_PROGRAM, STAGE_PIPE };

static const char *const stage_names[] = {"directory", "program", "pipe"};

/* What the child says when it cannot become the command. Silence, by close-on-exec, means that it did. */
struct failure {
    enum stage stage;
    int error;
};

struct pipes {
    int output[2], errors[2], input[2];  /* read end, write end */
    int gate[2];                         /* a byte: `started` is durable, go */
    int verdict[2];                      /* a struct failure, or the end of file */
};

static void write_text(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    /* Where this does not take, the process merely keeps what it inherited. */
    ssize_t ignored = write(file, text, strlen(text));
    (void)ignored;
    close(file);
}

static void fresh_signals(void) {
    for (int signal_number = 1; signal_number < NSIG; signal_number++) signal(signal_number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void join_cgroup(const char *directory) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/cgroup.procs", directory) < (int)sizeof path) write_text(path, "0");
}

/* Everything between fork and exec. */
static void become(const struct spec *spec, const struct inheritance *inheritance, const struct pipes *pipes) {
    struct failure failure = {STAGE_PIPE, 0};
    setsid();
    /* Without its supervisor nobody reads its output or ends its tree: it must not run on as if somebody did. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (spec->cgroup) join_cgroup(spec->cgroup);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (dup2(spec->input_open ? pipes->input[0] : null, 0) < 0 || dup2(pipes->output[1], 1) < 0
        || dup2(pipes->errors[1], 2) < 0) {
        failure.error = errno;
    }
    write_text("/proc/self/oom_score_adj", inheritance->oom_score);
    umask(inheritance->mask);
    fresh_signals();

    char go;
    close(pipes->gate[1]);
    if (read(pipes->gate[0], &go, 1) != 1) _exit(127);
    if (!failure.error) {
        failure.stage = STAGE_DIRECTORY;
        if (chdir(spec->directory) < 0) failure.error = errno;
    }
    if (!failure.error) {
        failure.stage = STAGE_PROGRAM;
        /* execvp looks into the PATH of this very environment: the session's, not the spoke's. */
        environ = spec->environment;
        execvp(spec->arguments[0], spec->arguments);
        failure.error = errno;
    }
    ssize_t ignored = write(pipes->verdict[1], &failure, sizeof failure);
    (void)ignored;
    _exit(127);
}

static int open_pipes(struct pipes *pipes) {
    int(*all)[2] = (int(*)[2])pipes;
    for (size_t i = 0; i < sizeof *pipes / sizeof *all; i++) {
        if (pipe2(all[i], O_CLOEXEC) < 0) return errno;
    }
    fcntl(pipes->output[0], F_SETPIPE_SZ, PIPE_BYTES);
    fcntl(pipes->errors[0], F_SETPIPE_SZ, PIPE_BYTES);
    /* Non-blocking belongs to the pipe's end, not to the descriptor: the child's ends stay ordinary. */
    fcntl(pipes->output[0], F_SETFL, O_NONBLOCK);
    fcntl(pipes->errors[0], F_SETFL, O_NONBLOCK);
    fcntl(pipes->input[1], F_SETFL, O_NONBLOCK);
    return 0;
}

/* Writes `started` and makes it durable. Returns 0 or an errno. */
static int record_start(struct event_log *log, pid_t pid) {
    char boot[64] = "unknown";
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t count = read(file, boot, sizeof boot - 1);
        if (count > 0) boot[count] = '\0';
        boot[strcspn(boot, "\n")] = '\0';
        close(file);
    }
    struct process process = {0};
    process_read(pid, &process);
    events_add(log, "started %d %llu %s %lld", (int)pid, process.start_time, boot, (long long)wall_ms());
    /* The file is new: on ext4, XFS and btrfs its first sync commits its name, and the folder's, along with it. */
    return events_flush(log, true);
}

static pid_t give_up(struct event_log *log, const char *stage, int error) {
    events_add(log, "failed %s %d", stage, error);
    return 0;
}

pid_t start_command(const struct spec *spec, const struct inheritance *inheritance, struct event_log *log,
                    struct spool *output, struct spool *errors, struct input *input) {
    struct pipes pipes;
    int error = open_pipes(&pipes);
    if (error) return give_up(log, "pipe", error);
    pid_t pid = fork();
    if (pid < 0) return give_up(log, "fork", errno);
    if (pid == 0) become(spec, inheritance, &pipes);

    close(pipes.output[1]);
    close(pipes.errors[1]);
    close(pipes.input[0]);
    close(pipes.gate[0]);
    close(pipes.verdict[1]);
    error = record_start(log, pid);
    if (error) {
        /* The child reads the end of the gate and is gone without having run anything. */
        close(pipes.gate[1]);
        waitpid(pid, NULL, 0);
        if (ftruncate(log->file, 0) < 0) return -errno;
        return -error;
    }
    ssize_t ignored = write(pipes.gate[1], "g", 1);
    (void)ignored;
    close(pipes.gate[1]);

    struct failure failure;
    ssize_t count;
    while ((count = read(pipes.verdict[0], &failure, sizeof failure)) < 0 && errno == EINTR) {}
    close(pipes.verdict[0]);
    if (count == sizeof failure) {
        waitpid(pid, NULL, 0);
        return give_up(log, stage_names[failure.stage], failure.error);
    }
    output->pipe = pipes.output[0];
    errors->pipe = pipes.errors[0];
    input->pipe = pipes.input[1];
    if (!spec->input_open) input_close(input, true);
    return pid;
}
