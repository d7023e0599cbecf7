/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service for the tests of slots and logs: prints "RUN N" lines, N from 0, RUN its pid, each with one
 * write(2), so that a SIGKILL cuts none. Arguments: how many lines (0: for ever), µs between two, padding
 * bytes a line (at most 72). SIGTERM ends it with status 0; with a fourth argument it is ignored. A journal of what was
 * really written is kept in the file named by COUNTING_JOURNAL: "RUN N" of the last line, written over in
 * place after each.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
/* The leak check at exit clones this process to stop it: whoever counts processes would see two of a slot. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static volatile sig_atomic_t is_asked;

static void on_term(int sig)
{
	(void)sig;
	is_asked = 1;
}

static const char dots[] = "........................................................................";

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 0, us = argc > 2 ? atol(argv[2]) : 1000;
	int padding = argc > 3 ? atoi(argv[3]) : 0;
	const char *name = getenv("COUNTING_JOURNAL");
	char path[512], line[256], note[64];
	int journal = -1;
	if (name && snprintf(path, sizeof(path), "%s.%d", name, (int)getpid()) < (int)sizeof(path))
		journal = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	signal(SIGTERM, argc > 4 ? SIG_IGN : on_term);
	for (long n = 0; !is_asked && (count == 0 || n < count); n++) {
		int len = snprintf(line, sizeof(line), "%d %ld %.*s\n", (int)getpid(), n, padding, dots);
		if (write(STDOUT_FILENO, line, (size_t)len) != len)
			return 1;
		len = snprintf(note, sizeof(note), "%-15d %-15ld\n", (int)getpid(), n);
		if (journal >= 0 && pwrite(journal, note, (size_t)len, 0) != len)
			return 1;
		if (us > 0)
			nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000},
			          NULL);
	}
	return 0;
}
