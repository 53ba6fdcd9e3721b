/* For tests: a disk that fails on order. Loaded before libc (LD_PRELOAD) into the robot's process.

   FAULTY_FILES  part of the names of the files concerned (the database: its log and its index have the same name and more)
   FAULTY_ORDER  a file that holds the order: "sync" = fsync fails (EIO), "full" = writing fails (ENOSPC), "broken" = both and reads (EIO);
                 "die-write N" and "die-sync N" = SIGKILL in the middle of the N-th write, or at the N-th sync. No such file = a sound disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int concerned(int fd) {
    const char *files = getenv("FAULTY_FILES");
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (!files || length < 0) return 0;
    name[length] = 0;
    return strstr(name, files) != NULL;
}

static int order(char *what, long *number) {
    const char *path = getenv("FAULTY_ORDER");
    FILE *file = path ? fopen(path, "re") : NULL;
    *number = 0;
    if (!file) return 0;
    int read = fscanf(file, "%31s %ld", what, number);
    fclose(file);
    return read >= 1;
}

static int is(const char *what, const char *one, const char *other) { return !strcmp(what, one) || !strcmp(what, other); }

static int passes;

static int fails(int fd, const char *kind, int *error, size_t *part) {
    char what[32];
    long number;
    if (!concerned(fd) || !order(what, &number)) return 0;
    if (!strcmp(kind, "sync") && is(what, "sync", "broken")) { *error = EIO; return 1; }
    if (!strcmp(kind, "write") && !strcmp(what, "full")) { *error = ENOSPC; return 1; }
    if (!strcmp(kind, "write") && !strcmp(what, "broken")) { *error = EIO; return 1; }
    if (!strcmp(kind, "read") && !strcmp(what, "broken")) { *error = EIO; return 1; }
    if (!strncmp(what, "die-", 4) && !strcmp(what + 4, kind) && __atomic_add_fetch(&passes, 1, __ATOMIC_SEQ_CST) == number) *part = 1;
    return 0;
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define WRITING(name, ...) { \
    int error; size_t part = 0; \
    if (fails(fd, "write", &error, &part)) { errno = error; return -1; } \
    if (part) { real(fd, data, length / 2, ##__VA_ARGS__); raise(SIGKILL); } \
    return real(fd, data, length, ##__VA_ARGS__); }

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) { REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t); WRITING("pwrite64", at) }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { REAL(ssize_t, "pwrite", int, const void *, size_t, off_t); WRITING("pwrite", at) }
ssize_t write(int fd, const void *data, size_t length) { REAL(ssize_t, "write", int, const void *, size_t); WRITING("write") }

#define SYNCING { \
    int error; size_t part = 0; \
    if (fails(fd, "sync", &error, &part)) { errno = error; return -1; } \
    if (part) raise(SIGKILL); \
    return real(fd); }

int fsync(int fd) { REAL(int, "fsync", int); SYNCING }
int fdatasync(int fd) { REAL(int, "fdatasync", int); SYNCING }

ssize_t pread64(int fd, void *data, size_t length, off64_t at) {
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
    int error; size_t part = 0;
    if (fails(fd, "read", &error, &part)) { errno = error; return -1; }
    return real(fd, data, length, at);
}
ssize_t pread(int fd, void *data, size_t length, off_t at) {
    REAL(ssize_t, "pread", int, void *, size_t, off_t);
    int error; size_t part = 0;
    if (fails(fd, "read", &error, &part)) { errno = error; return -1; }
    return real(fd, data, length, at);
}
