/* SPDX-License-Identifier: Apache-2.0 */
/* Fifty thousand instances: put, sorted, changed, filtered. Prints figures, one a line: name, value, unit. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "model/filter.h"
#include "model/index.h"
#include "model/log_buffer.h"

#define ROWS 50000

/* Time of the processor: these are pure computations, and the machine may be shared. */
static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void print(const char *name, double value, const char *unit)
{
	printf("table: %s\t%.2f\t%s\n", name, value, unit);
}

static void put(struct records *t, unsigned i)
{
	char id[64], service[24], version[16], node[16];
	struct instance r;
	snprintf(id, sizeof(id), "service-%03u-%08x-%05x", i % 400, i * 2654435761u, i * 40503u & 0xfffff);
	snprintf(service, sizeof(service), "service-%03u", i % 400);
	snprintf(version, sizeof(version), "1.%u.%u", i % 30, i % 7);
	snprintf(node, sizeof(node), "node-%03u", i % 120);
	record_init(record_class(RECORD_INSTANCE), &r);
	r.base.source = "kubernetes";
	r.id = id;
	r.service = service;
	r.environment = i % 3 ? "prod" : "staging";
	r.version = version;
	r.phase = PHASE_RUNNING;
	r.node = node;
	r.restarts = rand() % 50;
	r.started_at = 1767268800000 + rand();
	records_put(t, &r);
}

static int by_restarts(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct instance *x = a, *y = b;
	return x->restarts != y->restarts ? (x->restarts > y->restarts ? -1 : 1) : strcmp(x->id, y->id);
}

static double settle(struct index *ix, double *longest)
{
	uint64_t start = now_us();
	*longest = 0;
	for (enum index_state state = INDEX_BUSY; state == INDEX_BUSY;) {
		uint64_t from = now_us();
		state = index_step(ix, INDEX_SLICE_US, now_us);
		double spent = (double)(now_us() - from) / 1000;
		*longest = spent > *longest ? spent : *longest;
	}
	return (double)(now_us() - start) / 1000;
}

static void changes(struct records *t, struct index *ix, int n)
{
	double best = 1e9, longest;
	char name[48];
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < n; i++)
			put(t, (unsigned)rand() % ROWS);
		double ms = settle(ix, &longest);
		best = ms < best ? ms : best;
	}
	snprintf(name, sizeof(name), "merge %d changes", n);
	print(name, best, "ms");
}

static void filters(struct index *ix)
{
	static const char *const typed[] = {"node-077", "node-077", "/pay|node-0[0-9]7/", "env:prod",
					    "Service-1"};
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		struct filter *f = filter_new(typed[i], NULL);
		double longest;
		char name[64];
		index_set_filter(ix, f);
		double ms = settle(ix, &longest);
		snprintf(name, sizeof(name), "filter %s%s (%zu hits)", typed[i], i ? "" : ", first of all",
			 index_count(ix));
		print(name, ms, "ms");
		print("  longest slice", longest, "ms");
		index_set_filter(ix, NULL);
		settle(ix, &longest);
		filter_free(f);
	}
}

int main(void)
{
	struct records *t = records_new(record_class(RECORD_INSTANCE));
	struct index_rules rules = {.compare = by_restarts};
	struct rusage usage;
	double longest;
	uint64_t start = now_us();
	for (unsigned i = 0; i < ROWS; i++)
		put(t, i);
	print("put 50,000 rows", (double)(now_us() - start) / 1000, "ms");
	struct index *ix = index_new(t, &rules);
	print("sort 50,000 rows", settle(ix, &longest), "ms");
	print("  longest slice", longest, "ms");
	start = now_us();
	while (records_warm(t, 1000))
		;
	print("search texts of 50,000 rows", (double)(now_us() - start) / 1000, "ms");
	changes(t, ix, 85);
	changes(t, ix, 680);
	filters(ix);
	print("held by the table", (double)records_bytes(t) / 1048576, "MiB");
	struct log_buffer *b = log_buffer_new(NULL);
	uint32_t from = log_buffer_instance(b, "checkout", "prod", "checkout-1");
	for (int i = 0; i < 100000; i++) {
		char line[160];
		int len = snprintf(line, sizeof(line),
				   "2026-08-01T10:00:00Z info request id=%08x method=GET "
				   "path=/api/v1/orders/%d status=200 took=%dms",
				   (unsigned)rand(), rand() % 100000, rand() % 900);
		log_buffer_add(b, from, i, line, (size_t)len);
		if (i % 100 == 0)
			log_buffer_settle(b, i);
	}
	log_buffer_settle(b, INT64_MAX);
	getrusage(RUSAGE_SELF, &usage);
	print("peak memory with 100,000 log lines", (double)usage.ru_maxrss / 1024, "MiB");
	log_buffer_free(b);
	index_free(ix);
	records_free(t);
}
