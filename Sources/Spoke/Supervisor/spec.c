#define _GNU_SOURCE
#include "spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.h"

static int read_whole(char **text, size_t *length) {
    int file = open("spec", O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno;
    struct stat status;
    int error = 0;
    size_t have = 0;
    *text = NULL;
    if (fstat(file, &status) < 0) error = errno;
    else if (status.st_size <= 0 || status.st_size > SPEC_BYTES) error = E2BIG;
    else if (!(*text = malloc((size_t)status.st_size))) error = ENOMEM;
    while (!error && have < (size_t)status.st_size) {
        ssize_t count = read(file, *text + have, (size_t)status.st_size - have);
        if (count > 0) have += (size_t)count;
        else if (count == 0) error = EBADMSG;
        else if (errno != EINTR) error = errno;
    }
    close(file);
    *length = have;
    return error;
}

/* The value of `entry` if it is called `name`, otherwise NULL. */
static char *value_of(char *entry, const char *name) {
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=' ? entry + length + 1 : NULL;
}

static bool take_number(char *entry, const char *name, int64_t *number) {
    char *value = value_of(entry, name);
    if (!value) return false;
    *number = strtoll(value, NULL, 10);
    return true;
}

/* Puts one entry where it belongs. Returns false for one that is not known. */
static bool take(struct spec *spec, char *entry, size_t *arguments, size_t *variables) {
    char *value;
    int64_t number;
    if ((value = value_of(entry, "argument"))) spec->arguments[(*arguments)++] = value;
    else if ((value = value_of(entry, "variable"))) spec->environment[(*variables)++] = value;
    else if ((value = value_of(entry, "directory"))) spec->directory = value;
    else if ((value = value_of(entry, "cgroup"))) spec->cgroup = value;
    else if ((value = value_of(entry, "input"))) spec->input_open = strcmp(value, "open") == 0;
    else if (take_number(entry, "timeout", &spec->timeout_ms)) return true;
    else if (take_number(entry, "grace", &spec->grace_ms)) return true;
    else if (take_number(entry, "leftover", &spec->leftover_ms)) return true;
    else if (take_number(entry, "drain", &spec->drain_ms)) return true;
    else if (take_number(entry, "backlog", &number)) spec->backlog_bytes = (uint64_t)number;
    else return false;
    return true;
}

int spec_read(struct spec *spec) {
    memset(spec, 0, sizeof *spec);
    char *text;
    size_t length;
    int error = read_whole(&text, &length);
    spec->text = text;
    if (error) return error;
    if (text[length - 1] != '\0' || strcmp(text, "nave=1") != 0) return EBADMSG;

    size_t entries = 0;
    for (size_t i = 0; i < length; i++) entries += text[i] == '\0';
    spec->arguments = calloc(entries + 1, sizeof *spec->arguments);
    spec->environment = calloc(entries + 1, sizeof *spec->environment);
    if (!spec->arguments || !spec->environment) return ENOMEM;

    size_t arguments = 0, variables = 0;
    bool ended = false;
    for (char *entry = text + strlen(text) + 1; entry < text + length && !ended; entry += strlen(entry) + 1) {
        if (value_of(entry, "end")) ended = true;
        else if (!take(spec, entry, &arguments, &variables)) return EBADMSG;
    }
    if (!ended || arguments == 0 || !spec->directory || spec->directory[0] != '/') return EBADMSG;
    return 0;
}

void spec_forget(struct spec *spec) {
    /* The cgroup's path is needed until the end: it is the one string that is kept. */
    if (spec->cgroup) spec->cgroup = strdup(spec->cgroup);
    free(spec->arguments);
    free(spec->environment);
    free(spec->text);
    spec->arguments = spec->environment = NULL;
    spec->directory = NULL;
    spec->text = NULL;
}
