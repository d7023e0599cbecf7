/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_PROMTEXT_H
#define MODEL_PROMTEXT_H
/*
 * The Prometheus text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats), as it
 * arrives: feed bytes in any pieces, get samples. A scrape is hostile input: a line of 16 KiB, 32 labels a
 * line, 50,000 samples and 4 MiB are the ceilings; past the last two reading stops. A bad line is counted and
 * left out, the rest is read. Any thread, one parser at a time each.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define PROMTEXT_MAX_LINE (16 * 1024)
#define PROMTEXT_MAX_LABELS 32
#define PROMTEXT_MAX_SAMPLES 50000
#define PROMTEXT_MAX_BYTES (4 * 1024 * 1024)

enum promtext_type { PROM_UNTYPED, PROM_COUNTER, PROM_GAUGE, PROM_HISTOGRAM, PROM_SUMMARY };

struct promtext_label {
	const char *name, *value;
};

struct promtext_sample { /* borrowed: valid inside of the callback only */
	const char *name;
	const struct promtext_label *labels;
	size_t n_labels;
	enum promtext_type type;  /* of the family whose # TYPE line came last, when the name belongs to it */
	double value;             /* NaN and infinities as they are */
	int64_t time_ms;          /* 0: not said */
};

struct promtext { /* all zero, then each and arg set, is ready */
	void (*each)(const struct promtext_sample *, void *arg);
	void *arg;
	size_t n_samples, n_bad;
	bool is_cut;              /* a ceiling was met: what follows was not read */
	/* private */
	struct str line;
	size_t bytes;
	bool is_long;
	char family[256];
	enum promtext_type type;
};
void promtext_feed(struct promtext *, const void *bytes, size_t len);
/* Reads a last line that has no newline, and frees. The counts stay readable. */
void promtext_finish(struct promtext *);
/* The value of a label, or NULL. */
const char *promtext_label(const struct promtext_sample *, const char *name);
#endif
