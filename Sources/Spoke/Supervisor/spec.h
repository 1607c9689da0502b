#ifndef NAVE_SPEC_H
#define NAVE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

/* What the agent asks for, as it stands in the file `spec`: entries `name=value`, each closed by a NUL, the first
 * being `nave=1` and the last `end=`. An entry that this version does not know is an error: the agent and its
 * supervisor are installed together. */
struct spec {
    char **arguments;        /* the program and its arguments, closed by NULL */
    char **environment;      /* the whole environment of the process, closed by NULL */
    const char *directory;   /* absolute */
    const char *cgroup;      /* a cgroup v2 directory made for this session, or NULL */
    bool input_open;         /* a pipe that the agent writes; otherwise /dev/null */
    int64_t timeout_ms;      /* 0 for none */
    int64_t grace_ms;        /* between the steps of the ladder when the timeout ends the session */
    int64_t leftover_ms;     /* for what outlives the leader, between TERM and KILL */
    int64_t drain_ms;        /* how long a process outside the tree may keep a pipe open after the end */
    uint64_t backlog_bytes;  /* unread output per stream, from where on the process has to wait */
    void *text;              /* the memory that all of the above points into */
};

/* Reads and checks `spec` in the current directory. Returns 0 or an errno. */
int spec_read(struct spec *spec);

/* Gives back the memory that only the start needs. */
void spec_forget(struct spec *spec);

#endif
