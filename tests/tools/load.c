/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load post PORT CONNECTIONS SECONDS FILE [STOP]   posts numbered bodies, then compares with the counters in
 * FILE; ends early once a file STOP is there load serve PORT FILE [DELAY_MS]           the counting backend;
 * PORT 0 takes $PORT; several may share FILE "post" prints one line and ends with 0 when no request was lost,
 * doubled or failed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/load.h"

static uint8_t *counters_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, LOAD_NUMBERS)) {
		perror(path);
		exit(2);
	}
	uint8_t *seen = mmap(NULL, LOAD_NUMBERS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (seen == MAP_FAILED) {
		perror(path);
		exit(2);
	}
	return seen;
}

static int post(char **argv)
{
	static uint8_t answered_ok[LOAD_NUMBERS];
	uint8_t *seen = counters_open(argv[3]);
	struct load_options o = {.port = (uint16_t)atoi(argv[0]),
				 .connections = atoi(argv[1]),
				 .run_ms = (int64_t)(atof(argv[2]) * 1000),
				 .pace_ms = 20,
				 .stop_file = argv[4]};
	struct load_result r = {.answered_ok = answered_ok};
	unsigned lost = 0, doubled = 0;
	memset(seen, 0, LOAD_NUMBERS);
	bool was_made = load_run(&o, &r);
	for (unsigned i = 0; i < r.sent; i++) {
		lost += !seen[i];
		doubled += seen[i] > 1;
	}
	printf("sent %u answered %u failed %u wrong %u broken %u reconnected %u lost %u doubled %u "
	       "slowest_ms %lld\n",
	       r.sent, r.answered, r.failed, r.wrong, r.broken, r.reconnected, lost, doubled,
	       (long long)r.slowest_ms);
	return !was_made || lost || doubled || r.failed || r.wrong || r.broken;
}

static int serve(char **argv)
{
	uint16_t port = (uint16_t)atoi(argv[0]);
	const char *given = getenv("PORT");
	if (!port && given)
		port = (uint16_t)atoi(given);
	int listener = load_listen(port, &port);
	if (listener < 0) {
		perror("listen");
		return 2;
	}
	printf("serving on %u\n", port);
	fflush(stdout);
	load_serve(listener, counters_open(argv[1]), argv[2] ? atoi(argv[2]) : 0);
	return 0;
}

int main(int argc, char **argv)
{
	if ((argc == 6 || argc == 7) && !strcmp(argv[1], "post"))
		return post(argv + 2);
	if ((argc == 4 || argc == 5) && !strcmp(argv[1], "serve"))
		return serve(argv + 2);
	fprintf(stderr, "load post PORT CONNECTIONS SECONDS FILE [STOP] | load serve PORT FILE [DELAY_MS]\n");
	return 2;
}
