/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's side of the keeper. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "platform/keeper.h"
#include "platform/slot_file.h"

#define MESSAGE (SLOT_ID_MAX + 16)

struct keeper_link {
	struct reactor *reactor;
	int fd;
	struct reactor_fd *watch;
	struct keeper_link_events events;
	void *arg;
};

static void lost(struct keeper_link *l)
{
	reactor_fd_watch(l->watch, 0);
	if (l->events.lost)
		l->events.lost(l->arg);
}

static void on_message(int fd, unsigned events, void *arg)
{
	struct keeper_link *l = arg;
	char text[MESSAGE + 1];
	(void)events;
	ssize_t n = recv(fd, text, MESSAGE, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lost(l);
		return;
	}
	text[n] = '\0';
	if (str_starts(text, "held ") && l->events.held)
		l->events.held(text + 5, l->arg);
}

/* The descriptor that the environment names, if it is what the keeper would have left there. */
static int inherited_link(void)
{
	const char *text = getenv("FAIRWAY_KEEPER_FD");
	long long fd;
	int type = 0;
	socklen_t len = sizeof(type);
	if (!text || !str_to_int(text, 3, 1024, &fd) ||
	    getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET)
		return -1;
	fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	return (int)fd;
}

struct keeper_link *keeper_link_new(struct reactor *r, const struct keeper_link_events *events, void *arg)
{
	int fd = inherited_link();
	if (fd < 0)
		return NULL;
	struct keeper_link *l = mem_alloc(sizeof(*l));
	*l = (struct keeper_link){.reactor = r, .fd = fd, .events = *events, .arg = arg};
	l->watch = reactor_fd_add(r, fd, REACTOR_READ, on_message, l, NULL);
	if (l->watch)
		return l;
	free(l);
	return NULL;
}

void keeper_link_free(struct keeper_link *l)
{
	if (!l)
		return;
	reactor_fd_remove(l->watch);
	close(l->fd);
	free(l);
}

static bool say(struct keeper_link *l, const char *what, const char *id)
{
	char text[MESSAGE];
	int n = snprintf(text, sizeof(text), "%s %s", what, id);
	return l && n > 0 && (size_t)n < sizeof(text) &&
	       send(l->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n;
}

bool keeper_link_hold(struct keeper_link *l, const char *id)
{
	return say(l, "hold", id);
}

void keeper_link_drop(struct keeper_link *l, const char *id)
{
	say(l, "drop", id);
}

/* Where this program lies, or lay: proc(5) appends a word to the path of a file that was removed. */
static bool program_path(char *path, size_t size, bool *is_gone)
{
	static const char deleted[] = " (deleted)";
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	*is_gone = str_ends(path, deleted);
	if (*is_gone)
		path[(size_t)n - (sizeof(deleted) - 1)] = '\0';
	return true;
}

bool keeper_program_is_replaced(void)
{
	char path[4096];
	bool is_gone = false;
	return program_path(path, sizeof(path), &is_gone) && is_gone && access(path, X_OK) == 0;
}

char *keeper_program(void)
{
	char path[4096];
	bool is_gone;
	if (!program_path(path, sizeof(path), &is_gone))
		return NULL;
	/* nothing was put in the place of the deleted file: the running one can still be executed */
	return mem_dup(access(path, X_OK) == 0 ? path : "/proc/self/exe");
}

bool keeper_take_over(const struct place *place, const int keep[], size_t n, struct err *err)
{
	char *program = keeper_program(), *root = mem_dup(place->root);
	char name[] = "fairway", role[] = "--keeper";
	char *argv[] = {name, role, root, NULL};
	struct str list = {0};
	if (!program)
		err_errno(err, ERR_FAILED, errno, "cannot find this program");
	/* libraries leave descriptors without close-on-exec; the locks must go, the FIFOs must stay */
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < n; i++) {
		fcntl(keep[i], F_SETFD, 0);
		str_addf(&list, "%s%d", i ? "," : "", keep[i]);
	}
	setenv("FAIRWAY_INHERITED_FDS", str_text(&list), 1);
	str_finish(&list);
	if (program) {
		execv(program, argv);
		err_errno(err, ERR_FAILED, errno, "cannot become the keeper");
	}
	for (size_t i = 0; i < n; i++)
		fcntl(keep[i], F_SETFD, FD_CLOEXEC);
	unsetenv("FAIRWAY_INHERITED_FDS");
	free(program);
	free(root);
	return false;
}
