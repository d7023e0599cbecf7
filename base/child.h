/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H
/*
 * Children: started with posix_spawn(3) only, waited for and signalled through pidfds only (pidfd_open(2)),
 * so that a reused process number is never hit. A child gets a session of its own, the default signal mask
 * and dispositions, no descriptor but those named here, and exactly the environment given. Nobody may ignore
 * SIGCHLD or wait for any child (the keeper alone reaps others): the pid stays ours until child_wait() has
 * seen the end. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define CHILD_PASS_MAX 8

struct child_start {
	/* argv[0] is looked up in PATH of our environment unless it has a slash. */
	const char *const *argv;
	const char *path;         /* what to execute when it is not argv[0]; NULL: argv[0] */
	const char *const *env;   /* "NAME=value", NULL-ended (child_env_new); NULL: an empty one */
	const char *dir;          /* NULL: ours */
	int in, out, err;         /* descriptors; 0 or less: /dev/null, so all zero is silent */
	int pass[CHILD_PASS_MAX]; /* they become 3, 4, … in the child */
	size_t n_pass;
	bool is_own_group_only;   /* own process group, our session: for a child given the terminal */
};

struct child { /* all zero but pidfd -1: none */
	pid_t pid;
	int pidfd; /* readable when it has ended; close-on-exec */
};

struct child_end {
	int status;    /* exit status; 128 + signal when a signal ended it */
	int signal;    /* 0: it exited by itself */
	bool has_core;
};

/* An error of exec (no such program, no right) is told here, not by an exit status. */
bool child_start(const struct child_start *, struct child *, struct err *);

enum child_waited {
	CHILD_RUNS,
	CHILD_ENDED,
	CHILD_NOT_OURS, /* somebody else's child: its status is not ours to know */
};
/* Never blocks. On CHILD_ENDED *end is filled. With is_reaped false the process stays a zombie: its number
 * stays taken and it can be asked again, so that the end can be written down first; else it is gone and
 * the pidfd is closed. */
enum child_waited child_wait(struct child *, bool is_reaped, struct child_end *end);
/* Waits at most ms for the end, then reaps it. */
enum child_waited child_wait_for(struct child *, int ms, struct child_end *end);

bool child_signal(const struct child *, int signal); /* false: it is gone */
/* Signals every process of the session it leads, itself too. It must not have been reaped. */
void child_signal_session(const struct child *, int signal);
void child_forget(struct child *); /* closes the pidfd; the process goes on */

/* For processes that are not children of ours. -1 with errno when there is none. EINTR is handled. */
int child_pidfd(pid_t pid);

/* The environment of the allow-list (PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_*, TZ, TMPDIR) as it is
 * here, then every "NAME=value" of more (NULL-ended, may be NULL), which wins over an equal name. Free
 * with child_env_free(). */
char **child_env_new(const char *const *more);
/* The same with all of ours, for what a person would start in a shell. */
char **child_env_whole(const char *const *more);
void child_env_free(char **env);
#endif
