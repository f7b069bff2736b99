/* Records what a process does to the files of one folder, in the order in which it happens.

   Preloaded. POWER_LOSS_FOLDER names the folder, POWER_LOSS_JOURNAL the file that the records go to,
   which lies elsewhere. Each call and its record are one under a lock, so that a sync covers exactly
   the writes recorded before it. Mapped memory is not seen: SQLite maps its -shm file alone, which is
   made anew after a crash. tests/power_loss/disk.py reads the journal. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, WRITE = 2, TRUNCATE = 3, SYNC = 4, RENAME = 5, UNLINK = 6 };

struct record {
    uint32_t kind, path_size;
    uint64_t inode, data_size;
    int64_t offset;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static const char *folder;
static size_t folder_size;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static void must(int good) {
    if (!good) {
        static const char words[] = "the journal cannot be written\n";
        static ssize_t (*say)(int, const void *, size_t);
        say = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
        say(2, words, sizeof words - 1);
        _exit(99);
    }
}

__attribute__((constructor)) static void begin(void) {
    static int (*real)(const char *, int, ...);
    real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    folder = getenv("POWER_LOSS_FOLDER");
    const char *path = getenv("POWER_LOSS_JOURNAL");
    if (!folder || !path) return;
    folder_size = strlen(folder);
    journal = real(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    must(journal >= 0);
}

static int inside(const char *path) {
    return journal >= 0 && !strncmp(path, folder, folder_size) &&
           (path[folder_size] == '/' || path[folder_size] == 0);
}

/* The inode of a file in the folder, and its path; 0 for any other. */
static uint64_t watched(int fd, char *path) {
    char link[64];
    struct stat status;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = journal < 0 ? -1 : readlink(link, path, PATH_MAX - 1);
    uint64_t inode = 0;
    if (size > 0) {
        path[size] = 0;
        if (inside(path) && !fstat(fd, &status)) inode = status.st_ino;
    }
    errno = before;
    return inode;
}

static void note(uint32_t kind, uint64_t inode, const char *path, int64_t offset,
                 const struct iovec *data, int pieces) {
    struct record record = {kind, (uint32_t)strlen(path), inode, 0, offset};
    for (int i = 0; i < pieces; i++) record.data_size += data[i].iov_len;
    REAL(ssize_t, "write", int, const void *, size_t);
    int before = errno;
    must(real(journal, &record, sizeof record) == sizeof record);
    must(real(journal, path, record.path_size) == (ssize_t)record.path_size);
    for (int i = 0; i < pieces; i++)
        must(real(journal, data[i].iov_base, data[i].iov_len) == (ssize_t)data[i].iov_len);
    errno = before;
}

static void note_name(uint32_t kind, const char *path, const char *more) {
    struct iovec data = {(void *)more, strlen(more)};
    note(kind, 0, path, 0, &data, 1);
}

static int opened(int at, const char *path, int flags, mode_t mode) {
    REAL(int, "openat", int, const char *, int, ...);
    char full[PATH_MAX];
    struct stat status;
    pthread_mutex_lock(&lock);
    int there = !fstatat(at, path, &status, 0);
    int fd = real(at, path, flags, mode);
    uint64_t inode = fd < 0 ? 0 : watched(fd, full);
    if (inode && !there) note(CREATE, inode, full, 0, NULL, 0);
    if (inode && there && flags & O_TRUNC) note(TRUNCATE, inode, full, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return opened(at, path, flags, mode); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return opened(AT_FDCWD, path, flags, mode); \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    ssize_t done = real(fd, data, size, offset);
    uint64_t inode = watched(fd, path);
    if (inode && done > 0) {
        struct iovec piece = {(void *)data, (size_t)done};
        note(WRITE, inode, path, offset, &piece, 1);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) {
    return pwrite(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    char path[PATH_MAX];
    if (journal < 0 || !watched(fd, path)) return real(fd, data, size);
    pthread_mutex_lock(&lock);
    ssize_t done = real(fd, data, size);
    uint64_t inode = watched(fd, path);
    if (inode && done > 0) {
        struct iovec piece = {(void *)data, (size_t)done};
        note(WRITE, inode, path, lseek(fd, 0, SEEK_CUR) - done, &piece, 1);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

/* A write that would not be seen would falsify everything. */
static ssize_t refuse(int fd) {
    char path[PATH_MAX];
    must(!watched(fd, path));
    return 0;
}

ssize_t writev(int fd, const struct iovec *data, int pieces) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    refuse(fd);
    return real(fd, data, pieces);
}

ssize_t pwritev(int fd, const struct iovec *data, int pieces, off_t offset) {
    REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
    refuse(fd);
    return real(fd, data, pieces, offset);
}

ssize_t pwritev64(int fd, const struct iovec *data, int pieces, off_t offset) {
    return pwritev(fd, data, pieces, offset);
}

int ftruncate(int fd, off_t size) {
    REAL(int, "ftruncate", int, off_t);
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    int failed = real(fd, size);
    uint64_t inode = failed ? 0 : watched(fd, path);
    if (inode) note(TRUNCATE, inode, path, size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return failed;
}

int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

/* Both may grow a file. */
static void grown(int fd) {
    char path[PATH_MAX];
    struct stat status;
    uint64_t inode = watched(fd, path);
    if (inode && !fstat(fd, &status)) note(TRUNCATE, inode, path, status.st_size, NULL, 0);
}

int fallocate(int fd, int mode, off_t offset, off_t size) {
    REAL(int, "fallocate", int, int, off_t, off_t);
    if (mode & ~FALLOC_FL_KEEP_SIZE) refuse(fd);
    pthread_mutex_lock(&lock);
    int failed = real(fd, mode, offset, size);
    if (!failed) grown(fd);
    pthread_mutex_unlock(&lock);
    return failed;
}

int fallocate64(int fd, int mode, off_t offset, off_t size) {
    return fallocate(fd, mode, offset, size);
}

int posix_fallocate(int fd, off_t offset, off_t size) {
    REAL(int, "posix_fallocate", int, off_t, off_t);
    pthread_mutex_lock(&lock);
    int failed = real(fd, offset, size);
    if (!failed) grown(fd);
    pthread_mutex_unlock(&lock);
    return failed;
}

int posix_fallocate64(int fd, off_t offset, off_t size) {
    return posix_fallocate(fd, offset, size);
}

static int synced(int fd) {
    REAL(int, "fsync", int);
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    int failed = real(fd);
    uint64_t inode = failed ? 0 : watched(fd, path);
    if (inode) note(SYNC, inode, path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return failed;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    pthread_mutex_lock(&lock);
    int failed = real(from, to);
    if (!failed && inside(from)) note_name(RENAME, from, to);
    pthread_mutex_unlock(&lock);
    return failed;
}

static int removed(const char *path) {
    REAL(int, "unlink", const char *);
    pthread_mutex_lock(&lock);
    int failed = real(path);
    if (!failed && inside(path)) note_name(UNLINK, path, "");
    pthread_mutex_unlock(&lock);
    return failed;
}

int unlink(const char *path) { return removed(path); }
int remove(const char *path) { return removed(path); }
