/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text: the same samples however the bytes are cut. */
#include <string.h>

#include "model/promtext.h"
#include "tests/fuzz/fuzz.h"

static void keep(const struct promtext_sample *s, void *arg)
{
	assert(s->name && s->n_labels <= PROMTEXT_MAX_LABELS);
	str_addf(arg, "%s %a %lld %d", s->name, s->value, (long long)s->time_ms, s->type);
	for (size_t i = 0; i < s->n_labels; i++)
		str_addf(arg, " %s=%s", s->labels[i].name, s->labels[i].value);
	promtext_label(s, "le");
	str_addc(arg, '\n');
}

static size_t read(const uint8_t *data, size_t len, size_t piece, struct str *out)
{
	struct promtext p = {.each = keep, .arg = out};
	for (size_t at = 0; at < len; at += piece)
		promtext_feed(&p, data + at, len - at < piece ? len - at : piece);
	promtext_finish(&p);
	return p.n_samples * 1000 + p.n_bad;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str whole = {0}, pieces = {0};
	size_t a = read(data, len, len ? len : 1, &whole);
	size_t b = read(data, len, len ? data[0] % 7 + 1u : 1, &pieces);
	assert(a == b && str_eq(str_text(&whole), str_text(&pieces)));
	str_finish(&whole);
	str_finish(&pieces);
	return 0;
}
