/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/harden.h"
#include "base/mem.h"
#include "base/str.h"

extern char **environ;

#define FIRST_PASSED 3
/* Copies of what is passed lie from here on, so that none is overwritten before it was used. */
#define ABOVE_PASSED 32

static const char *const allowed[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"};

int child_pidfd(pid_t pid)
{
	int fd;
	do
		fd = pidfd_open(pid, 0);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* Standard input and output of the child, then what is passed. Returns 0 or an errno. */
static int plan_descriptors(posix_spawn_file_actions_t *actions, const struct child_start *s, int copies[])
{
	const int wanted[] = {s->in, s->out, s->err};
	int e = 0;
	for (int i = 0; i < 3 && !e; i++) {
		if (wanted[i] > 0) {
			copies[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, ABOVE_PASSED);
			e = copies[i] < 0 ? errno : posix_spawn_file_actions_adddup2(actions, copies[i], i);
		} else {
			e = posix_spawn_file_actions_addopen(actions, i, "/dev/null", i ? O_WRONLY : O_RDONLY,
			                                     0);
		}
	}
	for (size_t i = 0; i < s->n_pass && i < CHILD_PASS_MAX && !e; i++) {
		copies[3 + i] = fcntl(s->pass[i], F_DUPFD_CLOEXEC, ABOVE_PASSED);
		e = copies[3 + i] < 0
		            ? errno
		            : posix_spawn_file_actions_adddup2(actions, copies[3 + i], FIRST_PASSED + (int)i);
	}
	if (!e)
		e = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_PASSED + (int)s->n_pass);
	if (!e && s->dir)
		e = posix_spawn_file_actions_addchdir_np(actions, s->dir);
	return e;
}

static int plan_signals(posix_spawnattr_t *attr, bool is_own_group_only)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setpgroup(attr, 0);
	return posix_spawnattr_setflags(
		attr, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
	                      (is_own_group_only ? POSIX_SPAWN_SETPGROUP : POSIX_SPAWN_SETSID)));
}

bool child_start(const struct child_start *s, struct child *child, struct err *err)
{
	static char *const no_env[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int copies[3 + CHILD_PASS_MAX];
	const char *path = s->path ? s->path : s->argv[0];
	pid_t pid = 0;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		copies[i] = -1;
	*child = (struct child){.pidfd = -1};
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	int e = plan_descriptors(&actions, s, copies);
	if (!e)
		e = plan_signals(&attr, s->is_own_group_only);
	if (!e)
		e = posix_spawnp(&pid, path, &actions, &attr, (char *const *)(uintptr_t)s->argv,
		                 s->env ? (char *const *)(uintptr_t)s->env : no_env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		if (copies[i] >= 0)
			close(copies[i]);
	if (e == EAGAIN)
		return err_set(err, ERR_FAILED, "cannot start %s: too many processes run here (ulimit -u); end what is "
			       "not needed, then try again", path);
	if (e)
		return err_errno(err, ERR_FAILED, e, "cannot start %s", path);
	harden_spare(pid);
	*child = (struct child){.pid = pid, .pidfd = child_pidfd(pid)};
	if (child->pidfd >= 0)
		return true;
	/* Without a pidfd it could be neither watched nor ended safely later. It is our unreaped child:
	 * the pid is right. */
	e = errno;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return err_errno(err, ERR_FAILED, e, "cannot watch %s", path);
}

enum child_waited child_wait(struct child *child, bool is_reaped, struct child_end *end)
{
	siginfo_t info = {0};
	int r;
	do
		r = waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG | (is_reaped ? 0 : WNOWAIT));
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return CHILD_NOT_OURS;
	if (info.si_pid == 0)
		return CHILD_RUNS;
	bool is_signalled = info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
	*end = (struct child_end){
		.status = is_signalled ? 128 + info.si_status : info.si_status,
		.signal = is_signalled ? info.si_status : 0,
		.has_core = info.si_code == CLD_DUMPED,
	};
	if (is_reaped)
		child_forget(child);
	return CHILD_ENDED;
}

enum child_waited child_wait_for(struct child *child, int ms, struct child_end *end)
{
	int64_t until = clock_mono_ms() + ms;
	for (;;) {
		enum child_waited w = child_wait(child, true, end);
		int64_t left = until - clock_mono_ms();
		if (w != CHILD_RUNS || left <= 0)
			return w;
		poll(&(struct pollfd){.fd = child->pidfd, .events = POLLIN}, 1, (int)left);
	}
}

bool child_signal(const struct child *child, int signal)
{
	return child->pidfd >= 0 && pidfd_send_signal(child->pidfd, signal, NULL, 0) == 0;
}

void child_signal_session(const struct child *child, int signal)
{
	child_signal(child, signal);
	DIR *proc = opendir("/proc");
	if (!proc)
		return;
	for (struct dirent *e; (e = readdir(proc));) {
		long long pid;
		if (!str_to_int(e->d_name, 1, 1 << 30, &pid) || pid == child->pid ||
		    getsid((pid_t)pid) != child->pid)
			continue;
		int fd = child_pidfd((pid_t)pid);
		/* asked again behind the pidfd: the number may have gone to somebody else in between */
		if (fd >= 0 && getsid((pid_t)pid) == child->pid)
			pidfd_send_signal(fd, signal, NULL, 0);
		if (fd >= 0)
			close(fd);
	}
	closedir(proc);
}

void child_forget(struct child *child)
{
	if (child->pidfd >= 0)
		close(child->pidfd);
	*child = (struct child){.pidfd = -1};
}

/* ---- environment ---- */

static size_t name_len(const char *pair)
{
	return strcspn(pair, "=");
}

static bool is_allowed(const char *pair)
{
	size_t n = name_len(pair);
	if (str_starts(pair, "LC_"))
		return true;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strlen(allowed[i]) == n && strncmp(allowed[i], pair, n) == 0)
			return true;
	return false;
}

static void env_put(char **env, size_t *n, const char *pair)
{
	for (size_t i = 0; i < *n; i++) {
		if (name_len(env[i]) == name_len(pair) && strncmp(env[i], pair, name_len(pair)) == 0) {
			free(env[i]);
			env[i] = mem_dup(pair);
			return;
		}
	}
	env[(*n)++] = mem_dup(pair);
}

static char **env_new(const char *const *more, bool is_whole)
{
	size_t room = 1, n = 0;
	for (char **e = environ; e && *e; e++)
		room++;
	for (const char *const *m = more; m && *m; m++)
		room++;
	char **env = mem_array(room, sizeof(char *));
	for (char **e = environ; e && *e; e++)
		if (is_whole || is_allowed(*e))
			env_put(env, &n, *e);
	for (const char *const *m = more; m && *m; m++)
		env_put(env, &n, *m);
	return env;
}

char **child_env_new(const char *const *more)
{
	return env_new(more, false);
}

char **child_env_whole(const char *const *more)
{
	return env_new(more, true);
}

void child_env_free(char **env)
{
	for (char **e = env; e && *e; e++)
		free(*e);
	free(env);
}
