/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/child.h"
#include "base/str.h"

#define DEADLINE_MS 10000

static int refusal; /* what the C library answers instead of starting a child; 0: it does */

/* Stands before the C library's. */
int posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
                 char *const argv[], char *const env[])
{
	typedef int spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
	                  char *const[], char *const[]);
	spawn *real;
	*(void **)&real = dlsym(RTLD_NEXT, "posix_spawnp");
	return refusal ? refusal : real(pid, path, actions, attr, argv, env);
}

/* Runs `sh -c script` with its output in a pipe; gives the text. */
static char *output_of(const char *script, const struct child_start *how, struct child_end *end)
{
	struct child_start s = *how;
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct child child;
	struct str text = {0};
	char buffer[512];
	ssize_t n;
	int out[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	char **env = child_env_new(NULL);
	s.argv = argv;
	s.out = s.err = out[1];
	s.env = (const char *const *)env;
	assert_true(child_start(&s, &child, NULL));
	close(out[1]);
	while ((n = read(out[0], buffer, sizeof(buffer))) > 0)
		str_addn(&text, buffer, (size_t)n);
	close(out[0]);
	assert_int_equal(child_wait_for(&child, DEADLINE_MS, end), CHILD_ENDED);
	child_env_free(env);
	return str_detach(&text);
}

static void tells_how_it_ended(void **state)
{
	(void)state;
	struct child_end end;
	struct child_start s = {0};
	free(output_of("exit 7", &s, &end));
	assert_int_equal(end.status, 7);
	assert_int_equal(end.signal, 0);
	free(output_of("kill -KILL $$", &s, &end));
	assert_int_equal(end.status, 128 + SIGKILL);
	assert_int_equal(end.signal, SIGKILL);
}

static void a_missing_program_is_told_at_once(void **state)
{
	(void)state;
	const char *const argv[] = {"/no/such/program", NULL};
	struct child child;
	struct err err;
	struct child_start s = {.argv = argv};
	assert_false(child_start(&s, &child, &err));
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "/no/such/program"));
	assert_int_equal(child.pidfd, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left behind */
}

static void a_child_without_room_is_told(void **state)
{
	(void)state;
	const char *const argv[] = {"true", NULL};
	struct child child;
	struct err err;
	struct child_start s = {.argv = argv};
	refusal = ENOMEM;
	assert_false(child_start(&s, &child, &err));
	assert_int_equal(err.kind, ERR_MEMORY);
	assert_non_null(strstr(err.text, "cannot start true: Cannot allocate memory"));
	refusal = EAGAIN;
	assert_false(child_start(&s, &child, &err));
	assert_int_equal(err.kind, ERR_FAILED);
	assert_non_null(strstr(err.text, "too many processes"));
	refusal = 0;
}

static void leads_a_session_with_clean_signals(void **state)
{
	(void)state;
	struct child_end end;
	struct child_start s = {0};
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGUSR2, SIG_IGN);
	char *text = output_of("kill -USR2 $$; echo lives", &s, &end);
	assert_int_equal(end.signal, SIGUSR2);
	assert_string_equal(text, "");
	free(text);
	text = output_of("kill -USR1 $$; echo lives", &s, &end);
	assert_int_equal(end.signal, SIGUSR1);
	free(text);
	text = output_of("cut -d' ' -f1,6 /proc/$$/stat", &s, &end);
	char *rest;
	long pid = strtol(text, &rest, 10);
	assert_int_equal(strtol(rest, NULL, 10), pid);
	free(text);
	signal(SIGUSR2, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Two descriptors that are passed lie where the other one has to go. */
static void only_what_is_passed_is_open(void **state)
{
	(void)state;
	struct child_end end;
	int a[2], b[2];
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	assert_int_equal(write(a[1], "A\n", 2) + write(b[1], "B\n", 2), 4);
	int low = dup2(b[0], 4), high = dup2(a[0], 3);
	assert_true(low == 4 && high == 3);
	struct child_start s = {.pass = {4, 3}, .n_pass = 2};
	char *text = output_of("read x <&3; read y <&4; echo $x$y; ls /proc/self/fd | tr '\\n' ' '; "
	                       "readlink /proc/self/fd/0",
	                       &s, &end);
	assert_string_equal(text, "BA\n0 1 2 3 4 5 /dev/null\n"); /* 5 is the folder that ls reads */
	free(text);
	for (int i = 3; i <= 8; i++)
		close(i);
}

static void environment_is_the_allow_list(void **state)
{
	(void)state;
	setenv("SECRET_TOKEN", "hidden", 1);
	setenv("LC_TIME", "C", 1);
	setenv("LANG", "C.UTF-8", 1);
	const char *const more[] = {"PORT=8080", "LANG=de_DE.UTF-8", NULL};
	char **env = child_env_new(more);
	bool has_port = false, has_lc = false;
	for (char **e = env; *e; e++) {
		assert_false(str_starts(*e, "SECRET_TOKEN="));
		assert_string_not_equal(*e, "LANG=C.UTF-8");
		has_port |= str_eq(*e, "PORT=8080");
		has_lc |= str_eq(*e, "LC_TIME=C");
	}
	assert_true(has_port && has_lc);
	child_env_free(env);
}

static void the_whole_session_is_signalled(void **state)
{
	(void)state;
	int out[2];
	char c;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	const char *const argv[] = {"sh", "-c", "sleep 60 & sleep 60 & echo; wait", NULL};
	char **env = child_env_new(NULL);
	struct child_start s = {.argv = argv, .env = (const char *const *)env, .out = out[1]};
	struct child child;
	struct child_end end;
	assert_true(child_start(&s, &child, NULL));
	close(out[1]);
	assert_int_equal(read(out[0], &c, 1), 1);
	child_signal_session(&child, SIGKILL);
	assert_int_equal(read(out[0], &c, 1), 0); /* the last one that held the pipe is gone */
	assert_int_equal(child_wait(&child, false, &end) == CHILD_NOT_OURS, 0);
	assert_int_equal(child_wait_for(&child, DEADLINE_MS, &end), CHILD_ENDED);
	close(out[0]);
	child_env_free(env);
}

static void somebody_elses_child(void **state)
{
	(void)state;
	struct child parent = {.pid = getppid(), .pidfd = child_pidfd(getppid())};
	struct child_end end;
	assert_true(parent.pidfd >= 0);
	assert_int_equal(child_wait(&parent, true, &end), CHILD_NOT_OURS);
	child_forget(&parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_how_it_ended),
		cmocka_unit_test(a_missing_program_is_told_at_once),
		cmocka_unit_test(a_child_without_room_is_told),
		cmocka_unit_test(leads_a_session_with_clean_signals),
		cmocka_unit_test(only_what_is_passed_is_open),
		cmocka_unit_test(environment_is_the_allow_list),
		cmocka_unit_test(the_whole_session_is_signalled),
		cmocka_unit_test(somebody_elses_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
