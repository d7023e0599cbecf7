/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_PROCESS_H
#define PLATFORM_PROCESS_H
/*
 * What /proc tells of processes (proc(5)), and ending what is left of a dead instance without ever hitting a
 * stranger: each is looked at again behind a pidfd before it is signalled. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t pid, parent, session;
	uint64_t start; /* ticks since boot */
	bool is_zombie;
	int wait_status; /* of a zombie, as of wait(2): the last field, exit_code */
};
bool process_read(pid_t pid, struct process *); /* false: there is none */

/* Whose remains: members of the session that `leader` led, and whoever holds the flock on lock_fd's file.
 * The number of a session is trusted when its leader is still there with this start time (a zombie
 * counts), or when a member holds the lock; is_recent: or when nobody else has the leader's number,
 * because it only just died. */
struct remains {
	pid_t leader;    /* 0: only holders of the lock */
	uint64_t start;
	int lock_fd;     /* must not itself hold the lock; -1: none */
	bool is_recent;
};
/* Signals all of them but this process. Returns how many are left (before the signal has its effect). */
size_t remains_signal(const struct remains *, int signal);

/* How a process ended that is not our child, where the kernel tells: while it is a zombie, or once reaped
 * on Linux 6.15 and later (PIDFD_GET_INFO on the pidfd). False: not told. *wait_status as of wait(2). */
bool process_exit_status(pid_t pid, uint64_t start, int pidfd, int *wait_status);
#endif
