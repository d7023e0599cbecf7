/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/slot_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "platform/process.h"

#define SPEC_MAX (1024 * 1024)
/* Of one write, padded: a kill leaves the old text or the new one, never half of it */
#define IDENTITY_BYTES 160
#define FIFO_BYTES (256 * 1024) /* what a service may write while no daemon reads */

bool slot_id_is_valid(const char *id)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-._");
	return n > 0 && n <= SLOT_ID_MAX && id[n] == '\0' && isalnum((unsigned char)id[0]);
}

/* ---- the spec ---- */

static void add_record(struct str *s, const char *name, const char *value)
{
	str_addf(s, "%s=", name);
	str_addn(s, value, strlen(value) + 1);
}

static void add_records(struct str *s, const char *name, const char *const *values)
{
	for (; values && *values; values++)
		add_record(s, name, *values);
}

bool slot_spec_write(int slot_dir, const struct slot_spec *spec, struct err *err)
{
	struct str s = {0};
	add_record(&s, "dir", spec->dir);
	add_records(&s, "arg", spec->argv);
	add_records(&s, "env", spec->env);
	add_records(&s, "tag", spec->tags);
	bool is_ok = s.len <= SPEC_MAX
	                     ? file_replace(slot_dir, "spec", s.s, s.len, true, err)
	                     : err_set(err, ERR_USAGE,
	                               "the command and environment of %s are larger than 1 MiB", spec->id);
	str_finish(&s);
	return is_ok;
}

/* Counts and, when lists are given, fills. The lists lie in the same block as the texts. */
static void take_records(char *text, size_t len, struct slot_spec *spec, size_t counts[3],
                         const char **lists[3])
{
	static const char *const names[3] = {"arg=", "env=", "tag="};
	counts[0] = counts[1] = counts[2] = 0;
	for (char *p = text; p < text + len; p += strlen(p) + 1) {
		if (spec && str_starts(p, "dir="))
			spec->dir = p + 4;
		for (int i = 0; i < 3; i++) {
			if (!str_starts(p, names[i]))
				continue;
			if (lists)
				lists[i][counts[i]] = p + strlen(names[i]);
			counts[i]++;
		}
	}
}

struct slot_spec *slot_spec_read(int slot_dir, const char *id, struct err *err)
{
	struct str s = {0};
	size_t n[3], id_len = strlen(id) + 1;
	if (!file_read(slot_dir, "spec", SPEC_MAX, &s, err)) {
		str_finish(&s);
		return NULL;
	}
	take_records(s.s, s.len, NULL, n, NULL);
	size_t n_pointers = n[0] + n[1] + n[2] + 3;
	struct slot_spec *spec = mem_alloc(sizeof(*spec) + n_pointers * sizeof(char *) + id_len + s.len + 1);
	const char **list = (const char **)(spec + 1);
	const char **lists[3] = {list, list + n[0] + 1, list + n[0] + n[1] + 2};
	char *id_copy = (char *)(list + n_pointers), *text = id_copy + id_len;
	memcpy(id_copy, id, id_len);
	if (s.len)
		memcpy(text, s.s, s.len);
	*spec = (struct slot_spec){.id = id_copy, .argv = lists[0], .env = lists[1], .tags = lists[2]};
	take_records(text, s.len, spec, n, lists);
	str_finish(&s);
	if (spec->dir && n[0] > 0)
		return spec;
	free(spec);
	err_set(err, ERR_FAILED, "the spec of slot %s is damaged: deploy it again", id);
	return NULL;
}

const char *slot_spec_tag(const struct slot_spec *spec, const char *name)
{
	size_t n = strlen(name);
	for (const char *const *t = spec->tags; t && *t; t++)
		if (strncmp(*t, name, n) == 0 && (*t)[n] == '=')
			return *t + n + 1;
	return NULL;
}

/* ---- who runs ---- */

bool slot_identity_of(pid_t pid, uint64_t *start)
{
	struct process p;
	if (!process_read(pid, &p))
		return false;
	*start = p.start;
	return true;
}

bool slot_identity_write(int lock_fd, const struct slot_identity *i)
{
	char text[IDENTITY_BYTES + 1];
	int n = snprintf(text, sizeof(text), "%d %" PRIu64 " %s %" PRIu64 " %" PRId64, (int)i->pid, i->start,
	                 i->boot_id, i->pid_namespace, i->started_at);
	if (n < 0 || n >= IDENTITY_BYTES)
		return false;
	memset(text + n, ' ', IDENTITY_BYTES - (size_t)n);
	text[IDENTITY_BYTES - 1] = '\n';
	return file_write_all_at(lock_fd, text, IDENTITY_BYTES, 0);
}

bool slot_identity_read(int lock_fd, struct slot_identity *i)
{
	char text[IDENTITY_BYTES + 1];
	int pid;
	ssize_t n = pread(lock_fd, text, IDENTITY_BYTES, 0);
	*i = (struct slot_identity){0};
	if (n != IDENTITY_BYTES)
		return false;
	text[n] = '\0';
	if (sscanf(text, "%d %" SCNu64 " %36s %" SCNu64 " %" SCNd64, &pid, &i->start, i->boot_id,
	           &i->pid_namespace, &i->started_at) != 5 ||
	    pid <= 1)
		return false;
	i->pid = pid;
	return true;
}

bool slot_identity_is_alive(const struct slot_identity *i, const struct place *place)
{
	struct process p;
	return i->pid > 0 && str_eq(i->boot_id, place->boot_id) && i->pid_namespace == place->pid_namespace &&
	       process_read(i->pid, &p) && p.start == i->start && !p.is_zombie;
}

/* ---- how it ended ---- */

bool slot_exit_write(int slot_dir, const struct slot_exit *e)
{
	struct str s = {0};
	str_addf(&s, "%d %" PRIu64 " %" PRId64 " %d %d %d %s\n", (int)e->pid, e->start, e->at, e->is_seen,
	         e->status, e->signal, e->error);
	bool is_ok = file_replace(slot_dir, "exit", s.s, s.len, false, NULL);
	str_finish(&s);
	return is_ok;
}

bool slot_exit_read(int slot_dir, struct slot_exit *e)
{
	struct str s = {0};
	int pid, is_seen, used = 0;
	*e = (struct slot_exit){0};
	bool is_ok = file_read(slot_dir, "exit", 1024, &s, NULL) &&
	             sscanf(s.s, "%d %" SCNu64 " %" SCNd64 " %d %d %d %n", &pid, &e->start, &e->at, &is_seen,
	                    &e->status, &e->signal, &used) == 6;
	if (is_ok) {
		e->pid = pid;
		e->is_seen = is_seen != 0;
		s.s[used + (int)strcspn(s.s + used, "\n")] = '\0';
		str_copy(e->error, sizeof(e->error), s.s + used);
	}
	str_finish(&s);
	return is_ok;
}

void slot_exit_text(const struct slot_exit *e, char *out, size_t size)
{
	if (e->error[0])
		snprintf(out, size, "%s", e->error);
	else if (!e->is_seen)
		snprintf(out, size, "ended, not seen");
	else if (e->signal)
		snprintf(out, size, "ended by signal %d (%s)", e->signal, strsignal(e->signal));
	else
		snprintf(out, size, "exited with status %d", e->status);
}

/* ---- the folder ---- */

static bool check_id(const char *id, struct err *err)
{
	return slot_id_is_valid(id) || err_set(err, ERR_USAGE, "\"%.80s\" is not the name of a slot", id);
}

int slot_folder(const struct place *place, const char *id, struct err *err)
{
	if (!check_id(id, err))
		return -1;
	int fd = openat(place->slots_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, errno, "slot %.80s", id);
	return fd;
}

int slot_folder_make(const struct place *place, const char *id, struct err *err)
{
	return check_id(id, err) ? file_folder_at(place->slots_fd, id, err) : -1;
}

int slot_fifo_open(int slot_dir, struct err *err)
{
	if (mkfifoat(slot_dir, "log", 0600) < 0 && errno != EEXIST) {
		err_errno(err, ERR_FAILED, errno, "cannot make the log FIFO");
		return -1;
	}
	struct stat st;
	int fd = openat(slot_dir, "log", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, ERR_FAILED, errno, "cannot open the log FIFO");
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
		err_set(err, ERR_FAILED, "the log of the slot is not a FIFO");
		close(fd);
		return -1;
	}
	/* Beyond pipe-user-pages-soft (pipe(7)) the kernel keeps it smaller, which only shortens what
	 * fits. */
	if (fcntl(fd, F_GETPIPE_SZ) < FIFO_BYTES)
		fcntl(fd, F_SETPIPE_SZ, FIFO_BYTES);
	return fd;
}

int slot_lock_open(int slot_dir, struct err *err)
{
	return file_open_private(slot_dir, "lock", 0, err);
}

bool slot_lock_is_held(int lock_fd)
{
	if (flock(lock_fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(lock_fd, LOCK_UN);
	return false;
}

void slot_ids_each(const struct place *place, void (*each)(const char *id, void *arg), void *arg)
{
	int fd = openat(place->slots_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(dir));)
		if (slot_id_is_valid(e->d_name))
			each(e->d_name, arg);
	closedir(dir);
}
