/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "platform/slot_file.h"

#define REPORT_FD 3
#define LOCK_FD_MIN 100   /* shells use 3 to 9 by name and save to 10 and up: none of them closes this one */
#define LOCK_WAIT_MS 250  /* a daemon that looks whether it is held holds it shared for an instant */
#define LOCK_POLL_MS 5

extern char **environ;

/* A byte in the pipe: it was not exec that closed it. Written only when a pipe was passed. */
static void report_failure(void)
{
	struct stat st;
	if (fstat(REPORT_FD, &st) == 0 && S_ISFIFO(st.st_mode) && write(REPORT_FD, "!", 1) < 0)
		return; /* the daemon that asked is gone */
}

/* Leaves why it could not be started for the daemon. dir -1: there is no slot to leave it in. */
static int fail(int dir, const struct slot_identity *self, const struct err *err)
{
	struct slot_exit e = {.pid = self->pid, .start = self->start, .at = clock_wall_ms(), .is_seen = true,
	                      .status = SHIM_FAILED};
	str_copy(e.error, sizeof(e.error), err->text);
	for (char *c = e.error; *c; c++)
		if (*c == '\n')
			*c = ' ';
	if (dir >= 0)
		slot_exit_write(dir, &e);
	report_failure();
	fprintf(stderr, "fairway: %s\n", err->text);
	return SHIM_FAILED;
}

/* The lock, on a descriptor that survives exec. *is_held tells a slot that is taken. */
static int take_lock(int dir, bool *is_held, struct err *err)
{
	int64_t until = clock_mono_ms() + LOCK_WAIT_MS;
	struct stat ours, there;
	*is_held = false;
	int low = slot_lock_open(dir, err);
	if (low < 0)
		return -1;
	while (flock(low, LOCK_EX | LOCK_NB) < 0) {
		*is_held = errno == EWOULDBLOCK;
		if (errno != EINTR && (errno != EWOULDBLOCK || clock_mono_ms() >= until)) {
			err_errno(err, ERR_REFUSED, errno, "cannot take the lock of the slot");
			return -1;
		}
		poll(NULL, 0, LOCK_POLL_MS);
	}
	*is_held = false;
	/* a slot that was removed and made again meanwhile has another lock: ours would guard nothing */
	if (fstat(low, &ours) < 0 || fstatat(dir, "lock", &there, AT_SYMLINK_NOFOLLOW) < 0 ||
	    ours.st_ino != there.st_ino || ours.st_dev != there.st_dev) {
		err_set(err, ERR_REFUSED, "the slot was removed");
		return -1;
	}
	int high = fcntl(low, F_DUPFD, LOCK_FD_MIN);
	if (high >= 0) {
		close(low);
		return high;
	}
	fcntl(low, F_SETFD, 0); /* a low limit of descriptors: better there than not at all */
	return low;
}

static void restore_limits(void)
{
	struct rlimit core;
	/* fairway forbids itself core dumps, a service may want its own */
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = core.rlim_max;
		setrlimit(RLIMIT_CORE, &core);
	}
}

static bool open_log(int dir, struct err *err)
{
	int fd = slot_fifo_open(dir, err);
	if (fd < 0)
		return false;
	/* blocking: a full FIFO stalls the service, it must not see EAGAIN */
	if (fcntl(fd, F_SETFL, 0) < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		return err_errno(err, ERR_FAILED, errno, "cannot open the log");
	close(fd);
	return true;
}

/* An instance may have closed its lock (programs that close all they inherited): it is still who the lock
 * names. */
static bool has_living_owner(int lock, const struct place *place)
{
	struct slot_identity owner;
	return slot_identity_read(lock, &owner) && slot_identity_is_alive(&owner, place);
}

static bool run(int lock, const struct slot_identity *self, int dir, const char *id, struct err *err)
{
	if (!slot_identity_write(lock, self))
		return err_errno(err, ERR_FAILED, errno, "cannot start %s: writing its lock", id);
	struct slot_spec *spec = slot_spec_read(dir, id, err);
	if (!spec)
		return false;
	restore_limits();
	if (chdir(spec->dir) < 0) {
		err_errno(err, ERR_FAILED, errno, "cannot start %s: its folder %s", id, spec->dir);
		free(spec);
		return false;
	}
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, REPORT_FD + 1);
	if (!open_log(dir, err)) {
		free(spec);
		return false;
	}
	signal(SIGPIPE, SIG_DFL);
	environ = (char **)(uintptr_t)spec->env;
	execvp(spec->argv[0], (char *const *)(uintptr_t)spec->argv);
	err_errno(err, ERR_FAILED, errno, "cannot start %s: %.100s", id, spec->argv[0]);
	signal(SIGPIPE, SIG_IGN);
	dup2(saved, STDERR_FILENO);
	free(spec);
	return false;
}

static int start(const struct place *place, const char *id, struct err *err)
{
	bool is_held = false;
	struct slot_identity self = {.pid = getpid(), .pid_namespace = place->pid_namespace,
	                             .started_at = clock_wall_ms()};
	memcpy(self.boot_id, place->boot_id, sizeof(self.boot_id));
	int dir = slot_folder(place, id, err);
	if (dir < 0)
		return fail(-1, &self, err);
	slot_identity_of(self.pid, &self.start);
	setsid(); /* fails when spawn made us a leader already: the same */
	int lock = take_lock(dir, &is_held, err), status = SHIM_HELD;
	is_held |= lock >= 0 && has_living_owner(lock, place);
	if (is_held)
		report_failure();
	else if (lock < 0)
		status = fail(dir, &self, err);
	else if (!run(lock, &self, dir, id, err))
		status = fail(dir, &self, err);
	close(dir);
	return status;
}

int shim_main(int argc, char **argv)
{
	struct err err = {0};
	struct place place;
	if (argc != 2) {
		fprintf(stderr, "usage: fairway --shim STATE SLOT\n");
		return 2;
	}
	fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC);
	/* the daemon may be gone when it is told; a failed shim still leaves its note */
	signal(SIGPIPE, SIG_IGN);
	if (!place_open(&place, argv[0], &err)) {
		report_failure();
		fprintf(stderr, "fairway: %s\n", err.text);
		return SHIM_FAILED;
	}
	int status = start(&place, argv[1], &err);
	place_close(&place);
	return status;
}
