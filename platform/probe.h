/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_PROBE_H
#define PLATFORM_PROBE_H
/*
 * Asking instances how they are: /healthz, readiness, whether the listener belongs to the instance's session, metrics.
 * The only user of <curl/curl.h> (7.88) in the platform: curl_multi in the reactor's hands, loopback only, no proxy, no
 * redirect, bounded answers. All calm instances are asked in one round each 4 s (HISTORY_FRESH_MS is 5 s); those
 * that are young, unwell or under an alert each second. The daemon's thread.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon;
struct err;
struct probes;

struct probe_target {
	const char *slot, *service, *environment;
	const char *health, *ready, *metrics; /* paths; NULL: not asked */
	uint16_t port;                        /* 0: a worker; it is healthy while it lives */
	pid_t pid;                            /* leader of the instance's session */
	int64_t grace_ms;                     /* it may be unhealthy so long after its start */
	int64_t timeout_ms;                   /* 0: 1 s */
};

struct probes *probes_new(struct daemon *, struct err *);
void probes_free(struct probes *);
/* Begins to ask, at once. A slot that is asked already is asked anew with what is told now. */
void probes_watch(struct probes *, const struct probe_target *);
void probes_forget(struct probes *, const char *slot);
/* Something about the placement changed: its instances are asked each second for a while. */
void probes_hurry(struct probes *, const char *service, const char *environment);

/* One request, for `prove`: GET url, done with the HTTP status, 0 when there was no answer. */
void probes_request(struct probes *, const char *url, void (*done)(int status, void *arg), void *arg);
void probes_request_cancel(struct probes *, const void *arg);

/* Whether a socket that listens at the port belongs to a process of the session (/proc/net/tcp, /proc/net/tcp6 and
 * /proc/PID/fd, proc(5)). Gives the other's pid in *other (0: nobody listens, or it is not ours to see). */
bool probe_listener_is_of(uint16_t port, pid_t session, pid_t *other);
#endif
