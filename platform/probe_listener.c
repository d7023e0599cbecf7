/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "platform/probe.h"

#define TCP_LISTEN 0x0a /* include/net/tcp_states.h of Linux */
#define INODES_MAX 16

static size_t listening_inodes(const char *table, uint16_t port, unsigned long *inodes, size_t n)
{
	FILE *f = fopen(table, "re");
	char line[512];
	if (!f)
		return n;
	while (n < INODES_MAX && fgets(line, sizeof(line), f)) {
		unsigned local, state;
		unsigned long inode;
		/* sl local:port remote:port st tx:rx tr:when retrnsmt uid timeout inode */
		if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu", &local, &state,
		           &inode) != 3)
			continue; /* the heading */
		/* "It will first list all listening TCP sockets" (proc_net_tcp.rst of Linux): what follows may be
		 * tens of thousands that wait for their time to be over. */
		if (state != TCP_LISTEN)
			break;
		if (local == port)
			inodes[n++] = inode;
	}
	fclose(f);
	return n;
}

static pid_t session_of(pid_t pid)
{
	char path[64], text[512];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* The name in parentheses may hold anything; what follows its last ')' is state, ppid, pgrp, session. */
	const char *after = strrchr(text, ')');
	int session;
	return after && sscanf(after + 1, " %*c %*d %*d %d", &session) == 1 ? session : 0;
}

static bool has_inode(pid_t pid, const unsigned long *inodes, size_t n)
{
	char path[300], target[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool found = false;
	while (dir && !found && (entry = readdir(dir))) {
		unsigned long inode;
		snprintf(path, sizeof(path), "/proc/%d/fd/%.20s", (int)pid, entry->d_name);
		ssize_t len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		if (sscanf(target, "socket:[%lu]", &inode) != 1)
			continue;
		for (size_t i = 0; i < n; i++)
			found |= inodes[i] == inode;
	}
	if (dir)
		closedir(dir);
	return found;
}

bool probe_listener_is_of(uint16_t port, pid_t session, pid_t *other)
{
	unsigned long inodes[INODES_MAX];
	size_t n = listening_inodes("/proc/net/tcp", port, inodes, 0);
	n = listening_inodes("/proc/net/tcp6", port, inodes, n);
	*other = 0;
	if (!n)
		return false;
	if (has_inode(session, inodes, n)) /* the usual case: the leader itself listens */
		return true;
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool is_ours = false;
	while (proc && !is_ours && (entry = readdir(proc))) {
		long long number;
		if (!str_to_int(entry->d_name, 1, INT32_MAX, &number))
			continue;
		pid_t pid = (pid_t)number;
		if (pid == session || !has_inode(pid, inodes, n))
			continue;
		is_ours = session_of(pid) == session;
		*other = pid;
	}
	if (proc)
		closedir(proc);
	return is_ours;
}
