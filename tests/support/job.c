/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/job.h"

#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

static void give_terminal(pid_t group)
{
	tcsetpgrp(STDIN_FILENO, group);
}

int job_run(const char *const *argv)
{
	signal(SIGTTOU, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		give_terminal(getpid());
		signal(SIGTTOU, SIG_DFL);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	setpgid(pid, pid);
	for (;;) {
		int status;
		char byte;
		if (waitpid(pid, &status, WUNTRACED) != pid)
			return 127;
		if (!WIFSTOPPED(status))
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		give_terminal(getpgrp());
		if (write(STDOUT_FILENO, "[stopped]\n", 10) != 10 || read(STDIN_FILENO, &byte, 1) != 1) {
			kill(pid, SIGKILL);
			continue;
		}
		give_terminal(pid);
		kill(-pid, SIGCONT);
	}
}
