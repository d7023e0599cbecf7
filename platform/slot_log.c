/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/slot_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "platform/log_files.h"

#define FILE_BYTES (8 * 1024 * 1024)
#define FILES 4
#define SPLICE_BYTES (1024 * 1024)
#define ROUNDS 16      /* of one turn: a torrent in one slot must not starve the others */
#define RETRY_MS 250   /* while the disk is full */
#define ENTRY ((int64_t)sizeof(struct slot_log_entry))

struct slot_log {
	int dir, fifo, raw, index;
	uint64_t n;          /* of the open pair */
	int64_t size;        /* of raw.n */
	int64_t index_size;  /* of index.n */
	int64_t stamped;     /* bytes of raw.n that index.n speaks of */
	int64_t file_bytes;
	int files;
	bool is_stalled;
	struct reactor_fd *watch;
	struct reactor_timer *retry;
	struct slot_log_events events;
	void *arg;
};

enum moved { MOVED_ALL, MOVED_SOME, MOVED_STALLED };

/* ---- the index ---- */

static bool put_entry(struct slot_log *l, enum slot_log_kind kind, int32_t value)
{
	struct slot_log_entry e = {(uint64_t)l->size, clock_wall_ms(), kind, value};
	/* A full disk may leave part of an entry behind the last whole one: the next write lies over it. */
	if (!file_write_all_at(l->index, &e, sizeof(e), l->index_size))
		return false;
	l->index_size += ENTRY;
	l->stamped = l->size;
	return true;
}

static bool stamp(struct slot_log *l)
{
	return l->stamped == l->size || put_entry(l, SLOT_LOG_STAMP, 0);
}

/* ---- the files ---- */

static void close_pair(struct slot_log *l)
{
	if (l->raw >= 0)
		close(l->raw);
	if (l->index >= 0)
		close(l->index);
	l->raw = l->index = -1;
}

/* Whether raw.n ends in the middle of a line. */
static bool is_mid_line(int dir, uint64_t n)
{
	char last = '\n';
	int fd = log_file_open(dir, "raw", n, O_RDONLY);
	struct stat st;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || st.st_size == 0 || pread(fd, &last, 1, st.st_size - 1) != 1)
		last = '\n';
	close(fd);
	return last != '\n';
}

/* What the index says beyond the bytes that are there (a power cut) is dropped, and half an entry at its
 * end. */
static bool mend_index(struct slot_log *l)
{
	struct stat raw, index;
	struct slot_log_entry e = {0};
	if (fstat(l->raw, &raw) < 0 || fstat(l->index, &index) < 0)
		return false;
	l->size = raw.st_size;
	l->index_size = index.st_size - index.st_size % ENTRY;
	for (; l->index_size > 0; l->index_size -= ENTRY) {
		if (pread(l->index, &e, sizeof(e), l->index_size - ENTRY) != (ssize_t)sizeof(e))
			return false;
		if (e.end <= (uint64_t)l->size)
			break;
	}
	l->stamped = l->index_size > 0 ? (int64_t)e.end : 0;
	return l->index_size == index.st_size || ftruncate(l->index, l->index_size) == 0;
}

/* Opens or makes the pair n and brings its index up to its bytes. On failure nothing is open. */
static bool open_pair(struct slot_log *l, uint64_t n)
{
	l->n = n;
	l->raw = log_file_open(l->dir, "raw", n, O_RDWR | O_CREAT);
	l->index = l->raw < 0 ? -1 : log_file_open(l->dir, "index", n, O_RDWR | O_CREAT);
	bool is_open = l->index >= 0 && mend_index(l);
	if (is_open && l->index_size == 0) {
		int64_t size = l->size;
		l->size = 0; /* the first entry speaks of the file's beginning, whatever came since */
		is_open = put_entry(l, SLOT_LOG_OPEN, n > 1 && is_mid_line(l->dir, n - 1));
		l->size = size;
	}
	if (is_open && stamp(l))
		return true;
	int why = errno;
	close_pair(l);
	errno = why;
	return false;
}

/* On to the next pair; at the end the oldest go. All bytes of this one are stamped. */
static bool rotate(struct slot_log *l)
{
	struct slot_log old = *l;
	if (!open_pair(l, old.n + 1)) {
		int why = errno;
		*l = old;
		errno = why;
		return false;
	}
	close_pair(&old);
	uint64_t first, last;
	if (log_files_range(l->dir, &first, &last))
		for (; first + (uint64_t)l->files <= l->n; first++)
			log_files_unlink(l->dir, first);
	return true;
}

/* ---- moving ---- */

static void set_stalled(struct slot_log *l, bool is_stalled, int why)
{
	if (is_stalled)
		reactor_timer_set(l->retry, RETRY_MS);
	if (is_stalled == l->is_stalled)
		return;
	l->is_stalled = is_stalled;
	reactor_fd_watch(l->watch, is_stalled ? 0 : REACTOR_READ);
	struct err err = {0};
	if (is_stalled)
		err_errno(&err, ERR_FAILED, why,
		          "the log cannot be written; the service waits once its pipe is full");
	if (l->events.stalled)
		l->events.stalled(is_stalled, &err, l->arg);
}

/* One splice and its stamp. 1: moved; 0: the FIFO is empty; -1 with errno: the disk takes no more. */
static int move_once(struct slot_log *l)
{
	if (!stamp(l) || ((l->size >= l->file_bytes || l->index_size >= l->file_bytes) && !rotate(l)))
		return -1;
	int64_t room = l->file_bytes - l->size;
	loff_t to = l->size;
	ssize_t n;
	do
		n = splice(l->fifo, NULL, l->raw, &to, (size_t)(room < SPLICE_BYTES ? room : SPLICE_BYTES),
		           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == EAGAIN))
		return 0;
	if (n < 0)
		return -1;
	l->size += n;
	return stamp(l) ? 1 : -1;
}

static enum moved move(struct slot_log *l, int rounds)
{
	int64_t before = l->size;
	uint64_t n_before = l->n;
	int r = 1;
	while (r > 0 && rounds-- > 0)
		r = move_once(l);
	set_stalled(l, r < 0, errno);
	if ((l->size != before || l->n != n_before) && l->events.grew)
		l->events.grew(l->arg);
	return r < 0 ? MOVED_STALLED : r > 0 ? MOVED_SOME : MOVED_ALL;
}

static void on_fifo(int fd, unsigned events, void *arg)
{
	(void)fd;
	(void)events;
	move(arg, ROUNDS);
}

static void on_retry(void *arg)
{
	move(arg, ROUNDS);
}

bool slot_log_drain(struct slot_log *l)
{
	/* What is in the pipe now fits in this many rounds of any size; a living writer must not hold us
	 * for ever. */
	return move(l, 4 * ROUNDS) != MOVED_STALLED;
}

bool slot_log_mark(struct slot_log *l, enum slot_log_kind kind, int32_t value)
{
	if (!slot_log_drain(l))
		return false;
	if (!put_entry(l, kind, value)) {
		set_stalled(l, true, errno);
		return false;
	}
	if (l->events.grew)
		l->events.grew(l->arg);
	return true;
}

bool slot_log_is_stalled(const struct slot_log *l)
{
	return l->is_stalled;
}

bool slot_log_is_mid_run(const struct slot_log *l)
{
	for (uint64_t n = l->n; n > 0; n--) {
		struct slot_log_entry e[256];
		struct stat st;
		int fd = log_file_open(l->dir, "index", n, O_RDONLY);
		if (fd < 0 || fstat(fd, &st) < 0)
			st.st_size = 0;
		for (int64_t at = st.st_size / ENTRY, count; at > 0; at -= count) {
			count = at < 256 ? at : 256;
			ssize_t got = pread(fd, e, (size_t)(count * ENTRY), (at - count) * ENTRY);
			for (int64_t i = got > 0 ? got / ENTRY : 0; i > 0; i--) {
				if (e[i - 1].kind != SLOT_LOG_START && e[i - 1].kind != SLOT_LOG_EXIT)
					continue;
				close(fd);
				return e[i - 1].kind == SLOT_LOG_START;
			}
		}
		if (fd < 0)
			return false; /* rotated away: older than anything kept */
		close(fd);
	}
	return false;
}

/* ---- life ---- */

struct slot_log *slot_log_new(struct reactor *r, int slot_dir, int fifo, int64_t file_bytes, int files,
                              const struct slot_log_events *events, void *arg, struct err *err)
{
	uint64_t first, last;
	struct slot_log *l = mem_alloc(sizeof(*l));
	*l = (struct slot_log){
		.dir = slot_dir,
		.fifo = fifo,
		.file_bytes = file_bytes > 0 ? file_bytes : FILE_BYTES,
		.files = files > 0 ? files : FILES,
		.events = events ? *events : (struct slot_log_events){0},
		.arg = arg,
	};
	if (!open_pair(l, log_files_range(slot_dir, &first, &last) ? last : 1)) {
		err_errno(err, ERR_FAILED, errno, "cannot open the log");
		free(l);
		return NULL;
	}
	l->watch = reactor_fd_add(r, fifo, REACTOR_READ, on_fifo, l, err);
	if (!l->watch) {
		close_pair(l);
		free(l);
		return NULL;
	}
	l->retry = reactor_timer_add(r, -1, 0, on_retry, l);
	return l;
}

void slot_log_free(struct slot_log *l)
{
	if (!l)
		return;
	reactor_fd_remove(l->watch);
	reactor_timer_remove(l->retry);
	close_pair(l);
	free(l);
}
