/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "platform/slot_file.h"

bool process_read(pid_t pid, struct process *p)
{
	char path[32];
	struct str s = {0};
	char state = 0;
	int parent = 0, session = 0;
	unsigned long long start = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	bool is_read = file_read(AT_FDCWD, path, 4096, &s, NULL);
	/* the name, field 2, is the process's own choice: parentheses and blanks included */
	const char *after = is_read ? strrchr(s.s, ')') : NULL;
	is_read = after &&
	          sscanf(after + 1,
	                 " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
	                 &state, &parent, &session, &start) == 4;
	const char *last = is_read ? strrchr(after, ' ') : NULL;
	*p = (struct process){.pid = pid,
	                      .parent = parent,
	                      .session = session,
	                      .start = start,
	                      .is_zombie = state == 'Z' || state == 'X',
	                      .wait_status = last ? (int)strtol(last, NULL, 10) : 0};
	str_finish(&s);
	return is_read;
}

/* fdinfo of a descriptor that holds a flock has a line "lock:\t1: FLOCK …"; one that is merely open has
 * none. */
static bool has_flock(pid_t pid, const char *fd)
{
	struct str s = {0}, path = {0};
	str_addf(&path, "/proc/%d/fdinfo/%s", (int)pid, fd);
	bool has = file_read(AT_FDCWD, path.s, 65536, &s, NULL) && s.len && strstr(s.s, "FLOCK");
	str_finish(&s);
	str_finish(&path);
	return has;
}

static bool holds_lock(pid_t pid, const struct stat *lock)
{
	char path[32];
	bool holds = false;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return false; /* another user's, or gone */
	for (struct dirent *e; !holds && (e = readdir(dir));) {
		struct stat st;
		holds = e->d_name[0] != '.' && fstatat(dirfd(dir), e->d_name, &st, 0) == 0 &&
		        st.st_dev == lock->st_dev && st.st_ino == lock->st_ino && has_flock(pid, e->d_name);
	}
	closedir(dir);
	return holds;
}

struct found {
	pid_t pid;
	uint64_t start;
	bool is_member, is_holder;
};

/* Members of the session; with a lock also whoever holds that, for which every descriptor of everybody is looked at. */
static size_t find(const struct remains *r, const struct stat *lock, struct found **out)
{
	struct found *found = NULL;
	size_t n = 0;
	pid_t self = getpid();
	DIR *proc = opendir("/proc");
	for (struct dirent *e; proc && (e = readdir(proc));) {
		long long pid;
		struct process p;
		if (!str_to_int(e->d_name, 1, 1 << 30, &pid) || pid == self ||
		    (!lock && getsid((pid_t)pid) != r->leader) || !process_read((pid_t)pid, &p) || p.is_zombie)
			continue;
		struct found f = {.pid = p.pid, .start = p.start,
		                  .is_member = r->leader > 0 && p.session == r->leader,
		                  .is_holder = lock && holds_lock(p.pid, lock)};
		if (!f.is_member && !f.is_holder)
			continue;
		found = mem_grow(found, n + 1, sizeof(*found));
		found[n++] = f;
	}
	if (proc)
		closedir(proc);
	*out = found;
	return n;
}

static bool session_is_theirs(const struct remains *r, const struct found *found, size_t n)
{
	struct process leader;
	if (r->leader <= 0)
		return false;
	if (process_read(r->leader, &leader))
		return leader.start == r->start;
	for (size_t i = 0; i < n; i++)
		if (found[i].is_member && found[i].is_holder)
			return true;
	return r->is_recent;
}

/* The dear look only when the cheap one does not do: nobody of the session is left, or it may be a stranger's. */
static size_t find_any(const struct remains *r, struct found **out)
{
	struct stat lock;
	size_t n = find(r, NULL, out);
	if ((n && session_is_theirs(r, *out, n)) || r->lock_fd < 0 || fstat(r->lock_fd, &lock) < 0 ||
	    !slot_lock_is_held(r->lock_fd))
		return n;
	free(*out);
	return find(r, &lock, out);
}

size_t remains_signal(const struct remains *r, int signal)
{
	struct found *found;
	size_t n = find_any(r, &found), left = 0;
	bool is_theirs = session_is_theirs(r, found, n);
	for (size_t i = 0; i < n; i++) {
		struct process now;
		if (!found[i].is_holder && !is_theirs)
			continue;
		left++;
		int fd = child_pidfd(found[i].pid);
		if (fd < 0)
			continue;
		if (process_read(found[i].pid, &now) && now.start == found[i].start)
			pidfd_send_signal(fd, signal, NULL, 0);
		close(fd);
	}
	free(found);
	return left;
}

/* linux/pidfd.h of Linux 6.15; Debian 12's lacks it. */
struct pidfd_info_64 {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};
#define GET_INFO _IOWR(0xFF, 11, struct pidfd_info_64)
#define INFO_EXIT (1u << 3)

bool process_exit_status(pid_t pid, uint64_t start, int pidfd, int *wait_status)
{
	struct process p;
	struct pidfd_info_64 info = {.mask = INFO_EXIT};
	if (process_read(pid, &p) && p.start == start && p.is_zombie) {
		*wait_status = p.wait_status;
		return true;
	}
	if (ioctl(pidfd, GET_INFO, &info) < 0 || !(info.mask & INFO_EXIT))
		return false;
	*wait_status = info.exit_code;
	return true;
}
