/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_server SOCKET INSTANCES CHANGES LINES LINES_A_SECOND: speaks fairway-api(7) with rows and lines of no platform, so that
 * a console is measured and not what runs below it. All instances are of one service, "big" in prod; CHANGES of them a
 * second change; a log has LINES lines at first. A thread for each connection.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define TICK_MS 20
#define PIECE (256 * 1024)
#define BOOKMARK_MS 5000

static struct { /* as it was called; read only */
	long instances, changes, lines, lines_a_second;
} wanted;

static bool put(int fd, const void *bytes, size_t len)
{
	for (const char *at = bytes; len;) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool put_chunk(int fd, struct str *out)
{
	char size[24];
	int n = snprintf(size, sizeof(size), "%zx\r\n", out->len);
	str_add(out, "\r\n");
	bool is_sent = put(fd, size, (size_t)n) && put(fd, out->s, out->len);
	str_reset(out);
	return is_sent;
}

static void tick(void)
{
	nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000L}, NULL);
}

static void add_instance(struct str *out, long i, long restarts, const char *at)
{
	str_addf(out,
	         "{\"type\":\"PUT\",\"kind\":\"instance\",\"item\":{\"id\":\"big-prod-%ld\",\"service\":\"big\","
	         "\"environment\":\"prod\",\"version\":\"1.%ld.%ld\",\"phase\":\"running\",\"ready\":true,\"pid\":%ld,\"port\":%ld,"
	         "\"restarts\":%ld,\"node\":\"node-%03ld\",\"started_at\":\"%s\",\"as_of\":\"%s\"},\"cursor\":\"b.1\"}\n",
	         i + 1, i % 30, i % 7, 1000 + i, 20000 + i % 10000, restarts, i % 120, at, at);
}

static bool has_kind(const char *request, const char *kind)
{
	const char *kinds = strstr(request, "kinds=");
	return !kinds || strstr(kinds, kind);
}

static bool put_all(int fd, const char *request, struct str *out, const char *at)
{
	str_add(out, "{\"type\":\"BEGIN\"}\n");
	if (has_kind(request, "services"))
		str_addf(out, "{\"type\":\"PUT\",\"kind\":\"service\",\"item\":{\"name\":\"big\",\"team\":\"payments\","
		              "\"language\":\"c\",\"health\":\"ok\",\"as_of\":\"%s\"}}\n", at);
	if (has_kind(request, "environments"))
		str_addf(out, "{\"type\":\"PUT\",\"kind\":\"environment\",\"item\":{\"name\":\"prod\",\"position\":0,"
		              "\"health\":\"ok\",\"firing\":0,\"services\":1,\"as_of\":\"%s\"}}\n", at);
	if (has_kind(request, "placements"))
		str_addf(out, "{\"type\":\"PUT\",\"kind\":\"placement\",\"item\":{\"service\":\"big\",\"environment\":\"prod\","
		              "\"version\":\"1.0.0\",\"desired\":%ld,\"ready\":%ld,\"health\":\"ok\",\"as_of\":\"%s\"}}\n",
		         wanted.instances, wanted.instances, at);
	for (long i = 0; has_kind(request, "instances") && i < wanted.instances; i++) {
		add_instance(out, i, 0, at);
		if (out->len > PIECE && !put_chunk(fd, out))
			return false;
	}
	str_add(out, "{\"type\":\"SYNC\",\"cursor\":\"b.1\"}\n");
	return put_chunk(fd, out);
}

static void watch(int fd, const char *request)
{
	struct str out = {0};
	char at[CLOCK_TEXT];
	long turn = 0;
	clock_rfc3339(clock_wall_ms(), at);
	bool is_well = put_all(fd, request, &out, at);
	bool has_changes = has_kind(request, "instances") && wanted.changes;
	for (int64_t last = clock_mono_ms(); is_well;) {
		tick();
		for (long i = 0; has_changes && i < wanted.changes * TICK_MS / 1000; i++, turn++)
			add_instance(&out, turn * 7919 % wanted.instances, turn / wanted.instances + 1, at);
		if (has_changes || clock_mono_ms() - last >= BOOKMARK_MS) {
			last = clock_mono_ms();
			str_add(&out, "{\"type\":\"BOOKMARK\",\"cursor\":\"b.1\"}\n");
			is_well = put_chunk(fd, &out);
		}
	}
	str_finish(&out);
}

static void add_line(struct str *out, long i, int64_t now)
{
	str_addf(out, "%lld big-prod-%ld 2026-08-01T10:00:00.%06ldZ %s request id=%08lx method=GET path=/api/v1/orders/%ld "
	              "status=%d took=%ldms\n", (long long)now, i % 8 + 1, i % 1000000, i % 200 ? "info " : "error", i * 2654435761l & 0xffffffff,
	         i % 100000, i % 200 ? 200 : 500, i % 900);
}

static void logs(int fd, bool is_followed)
{
	struct str out = {0};
	long i = 0;
	int64_t now = clock_wall_ms();
	bool is_well = true;
	for (; is_well && i < wanted.lines; i++) {
		add_line(&out, i, now);
		if (out.len > PIECE)
			is_well = put_chunk(fd, &out);
	}
	str_addf(&out, is_followed ? "#cursor c%ld\n" : "#end\n", i);
	is_well = is_well && put_chunk(fd, &out);
	while (is_well && is_followed) {
		tick();
		for (long k = 0; k < wanted.lines_a_second * TICK_MS / 1000; k++, i++)
			add_line(&out, i, clock_wall_ms());
		is_well = !out.len || put_chunk(fd, &out);
	}
	if (is_well)
		put(fd, "0\r\n\r\n", 5);
	str_finish(&out);
}

static void *serve(void *arg)
{
	static const char streamed[] = "HTTP/1.1 200 OK\r\nFairway-Api: 1\r\nFairway-Instances: big-prod-1=big/prod\r\n"
	                               "Transfer-Encoding: chunked\r\nConnection: close\r\nContent-Type: ";
	int fd = (int)(intptr_t)arg;
	char request[8192], answer[512];
	size_t len = 0;
	ssize_t n;
	request[0] = '\0';
	while (!strstr(request, "\r\n\r\n") && (n = recv(fd, request + len, sizeof(request) - 1 - len, 0)) > 0) {
		len += (size_t)n;
		request[len] = '\0';
	}
	if (strstr(request, "GET /v1/watch")) {
		put(fd, streamed, sizeof(streamed) - 1);
		put(fd, "application/x-ndjson\r\n\r\n", 24);
		watch(fd, request);
	} else if (strstr(request, "GET /v1/logs")) {
		put(fd, streamed, sizeof(streamed) - 1);
		put(fd, "text/plain\r\n\r\n", 14);
		logs(fd, strstr(request, "follow=1") != NULL);
	} else {
		bool is_info = strstr(request, "GET /v1/info") != NULL;
		const char *body = is_info ? "{\"name\":\"local\",\"version\":\"bench\",\"pid\":1}"
		                           : "{\"error\":\"not here\",\"kind\":\"not_found\"}";
		int size = snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nFairway-Api: 1\r\nContent-Type: application/json\r\n"
		                    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s", is_info ? "200 OK" : "404 Not Found",
		                    strlen(body), body);
		put(fd, answer, (size_t)size);
	}
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	pthread_t thread;
	if (argc != 6 || !str_copy(to.sun_path, sizeof(to.sun_path), argv[1]))
		return 2;
	wanted.instances = atol(argv[2]);
	wanted.changes = wanted.instances ? atol(argv[3]) : 0;
	wanted.lines = atol(argv[4]);
	wanted.lines_a_second = atol(argv[5]);
	umask(0077);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(to.sun_path);
	if (bind(listener, (struct sockaddr *)&to, sizeof(to)) || listen(listener, 16)) {
		perror(argv[1]);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
			pthread_detach(thread);
	}
}
