/* SPDX-License-Identifier: Apache-2.0 */
#include "model/promtext.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

static bool is_name_part(char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9');
}

static char *skip_blanks(char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* The end of the name at p; p itself when there is none. */
static char *end_of_name(char *p)
{
	if (!is_name_start(*p))
		return p;
	while (is_name_part(*p))
		p++;
	return p;
}

/* Unescapes "…" in place; p is after the opening quote. Returns the byte after the closing one, or NULL. */
static char *read_quoted(char *p)
{
	char *to = p;
	for (; *p && *p != '"'; p++) {
		if (*p != '\\') {
			*to++ = *p;
			continue;
		}
		p++;
		if (*p == 'n')
			*to++ = '\n';
		else if (*p == '\\' || *p == '"')
			*to++ = *p;
		else
			return NULL;
	}
	if (*p != '"')
		return NULL;
	*to = '\0';
	return p + 1;
}

static char *read_label(char *p, struct promtext_label *label)
{
	char *end = end_of_name(p);
	label->name = p;
	if (end == p)
		return NULL;
	p = skip_blanks(end);
	if (*p != '=')
		return NULL;
	p = skip_blanks(p + 1);
	*end = '\0';
	if (*p != '"')
		return NULL;
	label->value = p + 1;
	return read_quoted(p + 1);
}

/* p is after '{'. Returns the byte after '}', or NULL. */
static char *read_labels(char *p, struct promtext_label *labels, size_t *n)
{
	for (;;) {
		p = skip_blanks(p);
		if (*p == '}')
			return p + 1;
		if (*n == PROMTEXT_MAX_LABELS)
			return NULL;
		p = read_label(p, &labels[(*n)++]);
		if (!p)
			return NULL;
		p = skip_blanks(p);
		if (*p == ',')
			p++;
		else if (*p != '}')
			return NULL;
	}
}

/* One word that strtod() reads whole: Go's forms of NaN and infinity are among what it takes. */
static char *read_value(char *p, double *out)
{
	size_t len = strcspn(p, " \t");
	char after = p[len], *end;
	p[len] = '\0';
	*out = strtod(p, &end);
	bool is_whole = len > 0 && end == p + len && !strpbrk(p, "xXpP(");
	p[len] = after;
	return is_whole ? p + len : NULL;
}

static bool read_time(char *p, int64_t *out)
{
	long long ms = 0;
	p = skip_blanks(p);
	if (!*p)
		return true;
	size_t len = strcspn(p, " \t");
	if (*skip_blanks(p + len))
		return false;
	p[len] = '\0';
	if (!str_to_int(p, INT64_MIN, INT64_MAX, &ms))
		return false;
	*out = ms;
	return true;
}

/* The family of a histogram's or summary's series: the name without _bucket, _sum, _count. */
static bool belongs_to(const char *name, const char *family)
{
	static const char *const suffixes[] = {"", "_bucket", "_sum", "_count", "_total"};
	size_t len = strlen(family);
	if (len == 0 || strncmp(name, family, len) != 0)
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcmp(name + len, suffixes[i]) == 0)
			return true;
	return false;
}

static bool read_sample(struct promtext *p, char *line)
{
	struct promtext_label labels[PROMTEXT_MAX_LABELS];
	struct promtext_sample s = {.name = line, .labels = labels};
	char *end = end_of_name(line), *rest = skip_blanks(end);
	if (end == line)
		return false;
	if (*rest == '{')
		rest = read_labels(rest + 1, labels, &s.n_labels);
	else if (rest == end)
		return false;
	if (!rest)
		return false;
	*end = '\0';
	rest = read_value(skip_blanks(rest), &s.value);
	if (!rest || !read_time(rest, &s.time_ms))
		return false;
	if (belongs_to(s.name, p->family))
		s.type = p->type;
	p->n_samples++;
	p->each(&s, p->arg);
	return true;
}

/* "# TYPE name type"; every other comment means nothing. */
static void read_comment(struct promtext *p, char *line)
{
	static const char *const types[] = {"untyped", "counter", "gauge", "histogram", "summary"};
	line = skip_blanks(line + 1);
	if (!str_starts(line, "TYPE") || (line[4] != ' ' && line[4] != '\t'))
		return;
	char *name = skip_blanks(line + 4), *end = end_of_name(name);
	char *type = skip_blanks(end);
	if (end == name || type == end)
		return;
	*end = '\0';
	type[strcspn(type, " \t")] = '\0';
	p->type = PROM_UNTYPED;
	if (!str_copy(p->family, sizeof(p->family), name))
		p->family[0] = '\0';
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			p->type = (enum promtext_type)i;
}

static void read_line(struct promtext *p)
{
	bool is_long = p->is_long;
	p->is_long = false;
	if (p->line.len && p->line.s[p->line.len - 1] == '\r')
		p->line.s[--p->line.len] = '\0';
	bool holds_nul = p->line.len && memchr(p->line.s, '\0', p->line.len);
	char *line = p->line.len ? skip_blanks(p->line.s) : NULL;
	if (is_long || holds_nul)
		p->n_bad++;
	else if (line && *line == '#')
		read_comment(p, line);
	else if (line && *line && !read_sample(p, line))
		p->n_bad++;
	str_reset(&p->line);
}

void promtext_feed(struct promtext *p, const void *bytes, size_t len)
{
	const char *at = bytes, *end = at + len;
	while (at < end && !p->is_cut) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);
		p->bytes += n + (newline != NULL);
		if (p->bytes > PROMTEXT_MAX_BYTES || p->n_samples >= PROMTEXT_MAX_SAMPLES) {
			p->is_cut = true;
			return;
		}
		if (p->is_long || p->line.len + n > PROMTEXT_MAX_LINE)
			p->is_long = true;
		else
			str_addn(&p->line, at, n);
		if (newline)
			read_line(p);
		at += n + (newline != NULL);
	}
}

void promtext_finish(struct promtext *p)
{
	if (!p->is_cut && (p->line.len || p->is_long))
		read_line(p);
	str_finish(&p->line);
}

const char *promtext_label(const struct promtext_sample *s, const char *name)
{
	for (size_t i = 0; i < s->n_labels; i++)
		if (strcmp(s->labels[i].name, name) == 0)
			return s->labels[i].value;
	return NULL;
}
