/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record_json.h"
#include "platform/daemon.h"
#include "platform/own.h"
#include "platform/reactor.h"
#include "platform/rules.h"
#include "platform/state.h"

#define NOTIFY_MS 10000

struct sending {
	struct sending *next;
	struct notify *all;
	struct child child;
	struct reactor_fd *fd;
	struct reactor_timer *timer;
	char *alert, *team;
	bool is_late;
};
struct notify {
	struct daemon *daemon;
	struct sending *first;
};

static void tell(struct notify *all, const char *alert, const char *team, const char *outcome)
{
	struct str text = {0};
	str_addf(&text, "%s: %s", team ? team : "no team", outcome);
	rules_on_notified(all->daemon->rules, alert, text.s);
	str_finish(&text);
}

static void free_sending(struct sending *s)
{
	for (struct sending **at = &s->all->first; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	reactor_fd_remove(s->fd);
	reactor_timer_remove(s->timer);
	child_forget(&s->child);
	free(s->alert);
	free(s->team);
	free(s);
}

static void on_end(int fd, unsigned events, void *arg)
{
	(void)fd;
	(void)events;
	struct sending *s = arg;
	struct child_end end;
	reactor_fd_remove(s->fd);
	s->fd = NULL;
	if (child_wait(&s->child, true, &end) == CHILD_RUNS)
		return;
	char text[100] = "delivered";
	if (s->is_late)
		str_copy(text, sizeof(text), "not delivered: its command took longer than 10 s");
	else if (end.status != 0)
		snprintf(text, sizeof(text), "not delivered: its command ended with status %d", end.status);
	tell(s->all, s->alert, s->team, text);
	free_sending(s);
}

static void on_late(void *arg)
{
	struct sending *s = arg;
	s->is_late = true;
	child_signal_session(&s->child, SIGKILL);
}

static int memory_file(const char *text, size_t len)
{
	int fd = memfd_create("alert", MFD_CLOEXEC);
	if (fd >= 0 && (!file_write_all(fd, text, len) || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool run_command(struct notify *all, const struct own_team *team, const char *alert, const struct str *json,
                        struct err *err)
{
	struct arena arena = {0};
	const char **argv = arena_alloc(&arena, (team->notify_command.n + 1) * sizeof(*argv));
	memcpy(argv, team->notify_command.items, team->notify_command.n * sizeof(*argv));
	char **env = child_env_new(NULL);
	int in = memory_file(json->s, json->len);
	struct sending *s = mem_alloc(sizeof(*s));
	struct child_start start = {.argv = argv, .env = (const char *const *)env, .dir = team->folder, .in = in};
	bool ok = in >= 0 ? child_start(&start, &s->child, err) : err_errno(err, ERR_FAILED, errno, "memfd_create");
	if (in >= 0)
		close(in);
	child_env_free(env);
	arena_finish(&arena);
	if (!ok) {
		free(s);
		return false;
	}
	s->all = all;
	s->alert = mem_dup(alert);
	s->team = mem_dup(team->name);
	s->fd = reactor_fd_add(all->daemon->reactor, s->child.pidfd, REACTOR_READ, on_end, s, NULL);
	s->timer = reactor_timer_add(all->daemon->reactor, NOTIFY_MS, 0, on_late, s);
	s->next = all->first;
	all->first = s;
	return true;
}

static bool append_file(const struct own_team *team, const struct str *json, struct err *err)
{
	char *folder = mem_dup(team->notify_file), *slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = '\0';
		mkdir(folder, 0700); /* the last folder alone; a longer way is the person's */
	}
	free(folder);
	/* Not a FIFO, not a device: opening or writing those could wait for ever. */
	int fd = open(team->notify_file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat st;
	bool ok = fd >= 0 && fstat(fd, &st) == 0;
	if (ok && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		ok = false;
	}
	ok = ok && file_write_all(fd, json->s, json->len);
	if (!ok)
		err_errno(err, ERR_FAILED, errno, "%s", team->notify_file);
	if (fd >= 0)
		close(fd);
	return ok;
}

void notify_send(struct notify *all, const struct alert *alert)
{
	const struct own_team *team =
		alert->team ? state_get(all->daemon->state, own_class(OWN_TEAM), alert->team) : NULL;
	struct err err = {0};
	struct str line = {0};
	char *id = mem_dup(alert->id), *name = mem_dup(alert->team); /* telling replaces the record */
	char *json = record_to_text(record_class(RECORD_ALERT), alert);
	str_addf(&line, "%s\n", json);
	free(json);
	if (!team || (!team->notify_file && !team->notify_command.n)) {
		tell(all, id, name, "nobody is told: platform.yaml names no way to notify it");
	} else if (team->notify_command.n) {
		if (!run_command(all, team, id, &line, &err))
			err_prefix(&err, "not delivered");
	} else if (append_file(team, &line, &err)) {
		tell(all, id, name, "delivered");
	} else {
		err_prefix(&err, "not delivered");
	}
	if (err.kind != ERR_NONE)
		tell(all, id, name, err.text);
	str_finish(&line);
	free(name);
	free(id);
}

struct notify *notify_new(struct daemon *daemon)
{
	struct notify *all = mem_alloc(sizeof(*all));
	all->daemon = daemon;
	return all;
}

void notify_free(struct notify *all)
{
	if (!all)
		return;
	while (all->first) {
		child_signal_session(&all->first->child, SIGKILL);
		free_sending(all->first);
	}
	free(all);
}
