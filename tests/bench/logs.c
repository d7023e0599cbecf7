/* SPDX-License-Identifier: Apache-2.0 */
/* A million log lines: taken in, then filtered. Prints figures, one a line: name, value, unit. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/err.h"
#include "model/filter.h"
#include "model/log_view.h"

#define LINES 1000000

/* Time of the processor: these are pure computations, and the machine may be shared. */
static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void print(const char *name, const char *what, double value, const char *unit)
{
	printf("%s%s\t%.1f\t%s\n", name, what, value, unit);
}

static void fill(struct log_buffer *b)
{
	uint32_t instances[8];
	uint64_t spent = 0;
	char line[200];
	for (int i = 0; i < 8; i++) {
		snprintf(line, sizeof(line), "checkout-%d", i);
		instances[i] = log_buffer_instance(b, "checkout", "prod", line);
	}
	for (int i = 0; i < LINES; i += 1000) {
		static char text[1000][200];
		static int lens[1000];
		for (int k = 0; k < 1000; k++)
			lens[k] = snprintf(text[k], sizeof(text[k]),
					   "2026-08-01T10:%02d:%02d.%06dZ info  request id=%08x method=GET "
					   "path=/api/v1/orders/%d status=%d took=%dms",
					   rand() % 60, rand() % 60, rand() % 1000000, (unsigned)rand(),
					   rand() % 100000, rand() % 200 ? 200 : 500, rand() % 900);
		uint64_t start = now_us();
		for (int k = 0; k < 1000; k++)
			log_buffer_add(b, instances[k % 8], i + k, text[k], (size_t)lens[k]);
		log_buffer_settle(b, i + 900);
		spent += now_us() - start;
	}
	log_buffer_settle(b, INT64_MAX);
	print("logs: taken in", "", LINES / (double)spent, "million lines/s");
}

static void filter(struct log_buffer *b, const char *text)
{
	struct filter *f = filter_new(text, NULL);
	struct log_view *v = log_view_new(b);
	log_view_want(v, &(struct log_wants){.filter = f});
	uint64_t start = now_us(), screen = 0, longest = 0;
	for (bool more = true; more;) {
		uint64_t from = now_us();
		more = log_view_step(v, 2000, now_us);
		uint64_t now = now_us();
		longest = now - from > longest ? now - from : longest;
		if (!screen && log_view_count(v) >= 50)
			screen = now - start;
	}
	char name[80];
	snprintf(name, sizeof(name), "logs: filter %s (%zu hits)", text, log_view_count(v));
	print(name, ", complete", (double)(now_us() - start) / 1000, "ms");
	print(name, ", first screen", (double)screen / 1000, "ms");
	print(name, ", longest slice", (double)longest / 1000, "ms");
	log_view_free(v);
	filter_free(f);
}

int main(void)
{
	struct log_buffer *b = log_buffer_new(&(struct log_limits){.bytes = 256u << 20, .lines = LINES * 2});
	fill(b);
	static const char *const filters[] = {"status=500",
					      "Status=500",
					      "took=89",
					      "request",
					      "/status=5\\d\\d took=[5-9]\\d\\dms/",
					      "/Error|status=500/",
					      "/error|status=500/",
					      "!status=200",
					      "level:error",
					      "status=500 took=1"};
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		filter(b, filters[i]);
	struct log_view *v = log_view_new(b);
	log_view_want(v, &(struct log_wants){.least = LOG_LEVEL_ERROR});
	uint64_t start = now_us();
	log_view_step(v, 0, NULL);
	print("logs: level error", ", complete", (double)(now_us() - start) / 1000, "ms");
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	print("logs: peak memory", "", (double)usage.ru_maxrss / 1024, "MiB");
	log_view_free(v);
	log_buffer_free(b);
}
