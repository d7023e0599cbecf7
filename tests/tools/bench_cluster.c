/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_cluster POD PODS CHANGES: speaks as much of the Kubernetes API as a console listens to, faster than a real API server
 * on the same machine can: PODS pods of the service "big" in Deployments of a thousand, CHANGES of them a second in the watch. Each
 * is the pod recorded from a real one in the file POD, with @POD@, @UID@ and the like filled in. Prints "port N", and at each
 * end of a watch how many changes a second went out. A thread for each connection.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/support/httpd.h"

#define TICK_MS 20
#define BOOKMARK_MS 60000 /* as the real one sends them */
#define OF_A_DEPLOYMENT 1000
#define FIRST_VERSION 1000

static struct { /* as it was called; read only */
	const char *pod;
	long pods, changes;
} wanted;

/* --- objects --- */

enum what { DEPLOYMENTS, REPLICASETS, PODS, NOTHING };
static const char *const paths[] = {"/apis/apps/v1/deployments?", "/apis/apps/v1/replicasets?", "/api/v1/pods?"};

static long number_of(enum what what)
{
	return what == PODS ? wanted.pods : what == NOTHING ? 0 : (wanted.pods + OF_A_DEPLOYMENT - 1) / OF_A_DEPLOYMENT;
}

static void add_field(struct str *out, const char *name, size_t len, long i, long restarts, long version)
{
	long owner = i / OF_A_DEPLOYMENT;
	if (strncmp(name, "POD", len) == 0)
		str_addf(out, "big-%03ld-5d9c7b4f6d-%05lx", owner, i);
	else if (strncmp(name, "UID", len) == 0)
		str_addf(out, "aaaaaaaa-0000-4000-8000-%012lx", i);
	else if (strncmp(name, "OWNER", len) == 0)
		str_addf(out, "big-%03ld-5d9c7b4f6d", owner);
	else if (strncmp(name, "OWNER_UID", len) == 0)
		str_addf(out, "bbbbbbbb-0000-4000-8000-%012lx", owner);
	else if (strncmp(name, "NODE", len) == 0)
		str_addf(out, "node-%03ld", i / 110);
	else
		str_addf(out, "%ld", strncmp(name, "VERSION", len) == 0 ? version : restarts);
}

static void add_pod(struct str *out, long i, long restarts, long version)
{
	const char *from = wanted.pod, *at;
	while ((at = strchr(from, '@'))) {
		const char *end = strchr(at + 1, '@');
		str_addn(out, from, (size_t)(at - from));
		if (strcspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == 0 && end) {
			add_field(out, at + 1, (size_t)(end - at - 1), i, restarts, version);
			from = end + 1;
		} else { /* one of its own: an image's digest */
			str_addc(out, '@');
			from = at + 1;
		}
	}
	str_add(out, from);
}

static void add_owner(struct str *out, enum what what, long i)
{
	const bool is_set = what == REPLICASETS;
	const long n = wanted.pods < OF_A_DEPLOYMENT ? wanted.pods : OF_A_DEPLOYMENT;
	str_addf(out, "{\"metadata\":{\"name\":\"big-%03ld%s\",\"namespace\":\"load-00\",\"uid\":\"%s-0000-4000-8000-%012lx\","
		      "\"generation\":1,\"resourceVersion\":\"1\",\"creationTimestamp\":\"2026-08-01T10:00:00Z\","
		      "\"annotations\":{\"deployment.kubernetes.io/revision\":\"1\"},"
		      "\"labels\":{\"app.kubernetes.io/name\":\"big\",\"team\":\"payments\"}",
		 i, is_set ? "-5d9c7b4f6d" : "", is_set ? "bbbbbbbb" : "cccccccc", i);
	if (is_set)
		str_addf(out, ",\"ownerReferences\":[{\"kind\":\"Deployment\",\"name\":\"big-%03ld\","
			      "\"uid\":\"cccccccc-0000-4000-8000-%012lx\",\"controller\":true}]", i, i);
	str_addf(out, "},\"spec\":{\"replicas\":%ld,\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\","
		      "\"image\":\"registry.example/shop/big:1.0.0\"}]}}},\"status\":{\"observedGeneration\":1,\"replicas\":%ld,"
		      "\"readyReplicas\":%ld,\"availableReplicas\":%ld,\"updatedReplicas\":%ld}}", n, n, n, n, n);
}

static void add_object(struct str *out, enum what what, long i)
{
	if (what == PODS)
		add_pod(out, i, 0, FIRST_VERSION);
	else
		add_owner(out, what, i);
}

/* --- answers --- */

static long parameter(const char *target, const char *name, long absent)
{
	const char *at = strstr(target, name);
	return at ? atol(at + strlen(name)) : absent;
}

static void list(struct httpd_call *call, enum what what)
{
	struct str out = {0}, head = {0};
	long n = number_of(what), from = parameter(call->target, "&continue=", 0);
	long to = from + parameter(call->target, "limit=", n);
	to = to < n ? to : n;
	str_addf(&out, "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"%d\"", FIRST_VERSION);
	if (to < n)
		str_addf(&out, ",\"continue\":\"%ld\"", to);
	str_add(&out, "},\"items\":[");
	for (long i = from; i < to; i++) {
		str_add(&out, i > from ? "," : "");
		add_object(&out, what, i);
	}
	str_add(&out, "]}\n");
	str_addf(&head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", out.len);
	call->keeps_alive = httpd_write(call, head.s, head.len) && httpd_write(call, out.s, out.len);
	str_finish(&head);
	str_finish(&out);
}

static bool put_chunk(struct httpd_call *call, struct str *out)
{
	bool is_sent = httpd_print(call, "%zx\r\n", out->len) && httpd_write(call, out->s, out->len) && httpd_print(call, "\r\n");
	str_reset(out);
	return is_sent;
}

static void watch(struct httpd_call *call, enum what what)
{
	struct str out = {0};
	int64_t began = clock_mono_ms(), told = began;
	long sent = 0, changes = what == PODS ? wanted.changes : 0;
	bool is_well = httpd_print(call, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (is_well && !httpd_is_stopping(call->server)) {
		nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000L}, NULL);
		long due = (long)((clock_mono_ms() - began) * changes / 1000) - sent;
		for (; due > 0; due--, sent++) {
			str_add(&out, "{\"type\":\"MODIFIED\",\"object\":");
			add_pod(&out, sent * 7919 % wanted.pods, sent / wanted.pods + 1, FIRST_VERSION + sent + 1);
			str_add(&out, "}\n");
		}
		if (clock_mono_ms() - told >= BOOKMARK_MS) {
			told = clock_mono_ms();
			str_addf(&out, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%ld\"}}}\n", FIRST_VERSION + sent);
		}
		is_well = !out.len || put_chunk(call, &out);
	}
	if (sent) {
		printf("changes sent\t%lld\t/s\n", (long long)(sent * 1000 / (clock_mono_ms() - began + 1)));
		fflush(stdout);
	}
	str_finish(&out);
}

static void answer(struct httpd_call *call, void *arg)
{
	(void)arg;
	enum what what = DEPLOYMENTS;
	while (what < NOTHING && !str_starts(call->target, paths[what]))
		what++;
	if (strcmp(call->method, "GET") != 0 || strstr(call->target, "/rollouts"))
		httpd_reply(call, 404, "application/json", "{\"kind\":\"Status\",\"code\":404}");
	else if (strstr(call->target, "watch=true"))
		watch(call, what);
	else
		list(call, what);
}

int main(int argc, char **argv)
{
	struct err err;
	struct str pod = {0};
	if (argc != 4 || !file_read(AT_FDCWD, argv[1], 1 << 20, &pod, &err))
		return 2;
	pod.s[pod.len -= pod.s[pod.len - 1] == '\n'] = '\0';
	wanted.pod = pod.s;
	wanted.pods = atol(argv[2]);
	wanted.changes = atol(argv[3]);
	printf("port\t%d\n", httpd_port(httpd_start(NULL, answer, NULL)));
	fflush(stdout);
	for (;;)
		pause();
}
