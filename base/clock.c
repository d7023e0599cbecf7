/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What RFC 3339 can write, in ms. */
#define YEAR_0 (-62167219200000)
#define YEAR_10000 253402300800000

static int64_t read_clock(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	const char *fixed = getenv("FAIRWAY_NOW");
	int64_t ms;
	if (fixed && clock_parse_rfc3339(fixed, &ms))
		return ms;
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* Lists hold times by the hundred thousand, and printf takes longer than all else of them. */
static char *put_number(char *at, int n, int width, char then)
{
	for (int i = width - 1; i >= 0; i--, n /= 10)
		at[i] = (char)('0' + n % 10);
	at[width] = then;
	return at + width + 1;
}

void clock_rfc3339(int64_t wall_ms, char out[CLOCK_TEXT])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	int ms = (int)(wall_ms % 1000);
	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	struct tm tm;
	if (wall_ms < YEAR_0 || wall_ms >= YEAR_10000 || !gmtime_r(&seconds, &tm)) {
		snprintf(out, CLOCK_TEXT, "?");
		return;
	}
	out = put_number(out, tm.tm_year + 1900, 4, '-');
	out = put_number(out, tm.tm_mon + 1, 2, '-');
	out = put_number(out, tm.tm_mday, 2, 'T');
	out = put_number(out, tm.tm_hour, 2, ':');
	out = put_number(out, tm.tm_min, 2, ':');
	out = put_number(out, tm.tm_sec, 2, '.');
	out = put_number(out, ms, 3, 'Z');
	*out = '\0';
}

static bool digits(const char **p, int count, int *out)
{
	int v = 0;
	for (int i = 0; i < count; i++) {
		if (!isdigit((unsigned char)(*p)[i]))
			return false;
		v = v * 10 + ((*p)[i] - '0');
	}
	*p += count;
	*out = v;
	return true;
}

static bool skip(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* The fraction and the zone that follow the seconds. */
static bool parse_tail(const char *p, int *ms, int *offset_s)
{
	*ms = 0;
	*offset_s = 0;
	if (skip(&p, '.')) {
		int scale = 100;
		if (!isdigit((unsigned char)*p))
			return false;
		for (; isdigit((unsigned char)*p); p++, scale /= 10)
			*ms += (*p - '0') * scale;
	}
	if (*p == 'Z' || *p == 'z')
		return p[1] == '\0';
	int sign = *p == '+' ? 1 : *p == '-' ? -1 : 0, h, m;
	p++;
	if (!sign || !digits(&p, 2, &h) || !skip(&p, ':') || !digits(&p, 2, &m) || *p || h > 23 || m > 59)
		return false;
	*offset_s = sign * (h * 3600 + m * 60);
	return true;
}

bool clock_parse_rfc3339(const char *text, int64_t *wall_ms)
{
	struct tm tm = {0};
	const char *p = text;
	if (!digits(&p, 4, &tm.tm_year) || !skip(&p, '-') || !digits(&p, 2, &tm.tm_mon) || !skip(&p, '-') ||
	    !digits(&p, 2, &tm.tm_mday) || (*p != 'T' && *p != 't' && *p != ' '))
		return false;
	p++;
	if (!digits(&p, 2, &tm.tm_hour) || !skip(&p, ':') || !digits(&p, 2, &tm.tm_min) || !skip(&p, ':') ||
	    !digits(&p, 2, &tm.tm_sec))
		return false;
	if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	int ms, offset;
	if (!parse_tail(p, &ms, &offset))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int64_t at = ((int64_t)timegm(&tm) - offset) * 1000 + ms;
	if (at < YEAR_0 || at >= YEAR_10000)
		return false;
	*wall_ms = at;
	return true;
}

bool clock_parse_duration(const char *text, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	int64_t total = 0;
	if (!text || !*text)
		return false;
	while (*text) {
		if (!isdigit((unsigned char)*text))
			return false;
		char *end;
		int64_t n = strtoll(text, &end, 10);
		size_t len = strspn(end, "mshd"), i;
		/* "1m30s": the run of unit letters ends at the next digit, so only whole units match */
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strlen(units[i].unit) == len && strncmp(units[i].unit, end, len) == 0)
				break;
		if (i == sizeof(units) / sizeof(units[0]) || n > INT64_MAX / 2 / units[i].ms - total / units[i].ms)
			return false;
		total += n * units[i].ms;
		text = end + len;
	}
	*ms = total;
	return true;
}

int64_t clock_age_unit(int64_t ms)
{
	static const int64_t units[] = {1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000};
	int64_t s = ms > 0 ? ms / 1000 : 0;
	return units[(s >= 60) + (s >= 3600) + (s >= 48 * 3600)];
}

void clock_age(int64_t ms, char out[CLOCK_TEXT])
{
	int64_t unit = clock_age_unit(ms);
	char name = unit == 1000 ? 's' : unit == 60 * 1000 ? 'm' : unit == 3600 * 1000 ? 'h' : 'd';
	snprintf(out, CLOCK_TEXT, "%" PRId64 "%c", ms > 0 ? ms / unit : 0, name);
}

void clock_span(int64_t ms, char out[CLOCK_TEXT])
{
	int64_t s = ms > 0 ? (ms + 500) / 1000 : 0;
	if (s < 60)
		snprintf(out, CLOCK_TEXT, "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(out, CLOCK_TEXT, "%" PRId64 "m %02" PRId64 "s", s / 60, s % 60);
	else
		snprintf(out, CLOCK_TEXT, "%" PRId64 "h %02" PRId64 "m", s / 3600, s % 3600 / 60);
}

void clock_duration(int64_t ms, char out[CLOCK_TEXT])
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ms % units[i].ms == 0 && (ms || units[i].ms == 1000)) {
			snprintf(out, CLOCK_TEXT, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
			return;
		}
	}
	snprintf(out, CLOCK_TEXT, "%lldms", (long long)ms);
}

bool clock_parse_since(const char *text, int64_t now_wall, int64_t *wall_ms)
{
	int64_t age;
	if (!clock_parse_duration(text + (*text == '-'), &age))
		return clock_parse_rfc3339(text, wall_ms);
	*wall_ms = now_wall - age;
	return true;
}
