#define _GNU_SOURCE
#include "tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Reads a small file whole; returns its length, or -1. */
static ssize_t read_small(const char *path, char *text, size_t room) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    size_t have = 0;
    ssize_t count;
    while (have < room - 1 && (count = read(file, text + have, room - 1 - have)) > 0) have += (size_t)count;
    close(file);
    text[have] = '\0';
    return (ssize_t)have;
}

bool process_read(pid_t pid, struct process *process) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_small(path, text, sizeof text) <= 0) return false;
    /* The name stands in parentheses and may itself hold any of them: the last one closes it. */
    char *after = strrchr(text, ')');
    int parent;
    if (!after || sscanf(after + 1, " %c %d", &process->state, &parent) != 2) return false;
    process->pid = pid;
    process->parent = parent;
    process->start_time = 0;
    int field = 2;
    for (char *part = after + 1; *part && field < 22; part++) {
        if (*part == ' ' && ++field == 22) process->start_time = strtoull(part + 1, NULL, 10);
    }
    return true;
}

void process_command(pid_t pid, char command[COMMAND_BYTES]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    ssize_t length = read_small(path, command, COMMAND_BYTES);
    while (length > 0 && command[length - 1] == '\0') length--;
    if (length <= 0) {
        char name[32] = "?";
        snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
        read_small(path, name, sizeof name);
        name[strcspn(name, "\n")] = '\0';
        length = snprintf(command, COMMAND_BYTES, "[%s]", name);
    }
    for (ssize_t i = 0; i < length; i++) {
        if (command[i] == '\0') command[i] = ' ';
        else if (iscntrl((unsigned char)command[i])) command[i] = '?';
    }
    command[length] = '\0';
}

/* A list of process ids that grows. */
struct pids {
    pid_t *all;
    size_t count, room;
};

static void pids_add(struct pids *pids, pid_t pid) {
    if (pids->count == pids->room) {
        size_t room = pids->room ? pids->room * 2 : 64;
        pid_t *larger = realloc(pids->all, room * sizeof *larger);
        /* The pass is incomplete then; the next one sees the rest. */
        if (!larger) return;
        pids->all = larger;
        pids->room = room;
    }
    pids->all[pids->count++] = pid;
}

/* Adds every number in a file of numbers. */
static void pids_read(struct pids *pids, const char *path) {
    FILE *file = fopen(path, "re");
    if (!file) return;
    int pid;
    while (fscanf(file, "%d", &pid) == 1) pids_add(pids, pid);
    fclose(file);
}

/* Adds the children of a process: of each of its threads, since a child belongs to the thread that made it. */
static void pids_add_children(struct pids *pids, pid_t parent) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
    DIR *threads = opendir(path);
    if (!threads) return;
    for (struct dirent *thread; (thread = readdir(threads));) {
        if (thread->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)parent, thread->d_name);
        pids_read(pids, path);
    }
    closedir(threads);
}

/* Adds the children of a process by looking at every process there is. */
static void pids_add_children_slowly(struct pids *pids, pid_t parent) {
    DIR *processes = opendir("/proc");
    if (!processes) return;
    for (struct dirent *entry; (entry = readdir(processes));) {
        struct process process;
        pid_t pid = atoi(entry->d_name);
        if (pid > 0 && process_read(pid, &process) && process.parent == parent) pids_add(pids, pid);
    }
    closedir(processes);
}

static bool kernel_lists_children(void) {
    static int known = -1;
    if (known < 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
        known = access(path, R_OK) == 0;
    }
    return known;
}

static void add_children(struct pids *pids, pid_t parent) {
    if (kernel_lists_children()) pids_add_children(pids, parent);
    else pids_add_children_slowly(pids, parent);
}

int tree_walk(const char *cgroup, tree_visitor *visit, void *context) {
    struct pids pids = {0};
    int seen = 0;
    add_children(&pids, getpid());
    for (size_t i = 0; i < pids.count; i++) {
        struct process process;
        if (!process_read(pids.all[i], &process)) continue;
        if (process.state != 'Z' && process.state != 'X') {
            visit(&process, context);
            seen++;
        }
        add_children(&pids, pids.all[i]);
    }
    size_t own = pids.count;
    if (cgroup) {
        char path[4096];
        snprintf(path, sizeof path, "%s/cgroup.procs", cgroup);
        pids_read(&pids, path);
    }
    for (size_t i = own; i < pids.count; i++) {
        struct process process;
        bool twice = false;
        for (size_t j = 0; j < own && !twice; j++) twice = pids.all[j] == pids.all[i];
        if (twice || !process_read(pids.all[i], &process) || process.state == 'Z') continue;
        visit(&process, context);
        seen++;
    }
    free(pids.all);
    return seen;
}

void tree_signal(const struct process *process, int signal_number) {
    /* The number of a child that was not waited for cannot be given to anybody else. */
    if (process->parent == getpid()) {
        kill(process->pid, signal_number);
        return;
    }
    int handle = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (handle < 0) {
        if (errno == ENOSYS) kill(process->pid, signal_number);
        return;
    }
    /* The handle means one process for ever; the start time says that it is the one that was seen. */
    struct process again;
    if (process_read(process->pid, &again) && again.start_time == process->start_time) {
        syscall(SYS_pidfd_send_signal, handle, signal_number, NULL, 0);
    }
    close(handle);
}

bool cgroup_populated(const char *cgroup) {
    if (!cgroup) return false;
    char path[4096], text[256];
    snprintf(path, sizeof path, "%s/cgroup.events", cgroup);
    return read_small(path, text, sizeof text) > 0 && strstr(text, "populated 1") != NULL;
}

void cgroup_kill(const char *cgroup) {
    char path[4096];
    snprintf(path, sizeof path, "%s/cgroup.kill", cgroup);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    /* Where it does not take, the walk over the tree still does its work. */
    ssize_t ignored = write(file, "1", 1);
    (void)ignored;
    close(file);
}
