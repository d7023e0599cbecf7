/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "model/log_text.h"

/* How libraries spell levels. Numbers: pino's and bunyan's tens (https://getpino.io/#/docs/api?id=levels). */
static const struct {
	const char *word;
	enum log_level level;
} words[] = {
	{"trace", LOG_LEVEL_TRACE},  {"finest", LOG_LEVEL_TRACE},    {"trc", LOG_LEVEL_TRACE},
	{"debug", LOG_LEVEL_DEBUG},  {"dbg", LOG_LEVEL_DEBUG},       {"fine", LOG_LEVEL_DEBUG},
	{"info", LOG_LEVEL_INFO},    {"inf", LOG_LEVEL_INFO},        {"information", LOG_LEVEL_INFO},
	{"notice", LOG_LEVEL_INFO},  {"warn", LOG_LEVEL_WARN},       {"warning", LOG_LEVEL_WARN},
	{"wrn", LOG_LEVEL_WARN},     {"error", LOG_LEVEL_ERROR},     {"err", LOG_LEVEL_ERROR},
	{"severe", LOG_LEVEL_ERROR}, {"fatal", LOG_LEVEL_FATAL},     {"critical", LOG_LEVEL_FATAL},
	{"crit", LOG_LEVEL_FATAL},   {"panic", LOG_LEVEL_FATAL},     {"alert", LOG_LEVEL_FATAL},
	{"emerg", LOG_LEVEL_FATAL},  {"emergency", LOG_LEVEL_FATAL}, {"dpanic", LOG_LEVEL_FATAL},
	{"10", LOG_LEVEL_TRACE},     {"20", LOG_LEVEL_DEBUG},        {"30", LOG_LEVEL_INFO},
	{"40", LOG_LEVEL_WARN},      {"50", LOG_LEVEL_ERROR},        {"60", LOG_LEVEL_FATAL},
};
static const char *const names[] = {"", "trace", "debug", "info", "warn", "error", "fatal"};

#define PLAIN_LOOK 96   /* a level word stands near the start of a plain line */
#define MEMBER_LOOK 512 /* and a level member of JSON or logfmt not far into it */

const char *log_level_name(enum log_level level)
{
	return (unsigned)level < sizeof(names) / sizeof(names[0]) ? names[level] : "";
}

enum log_level log_level_of(const char *word, size_t len)
{
	if (len < 2 || len > 11)
		return LOG_LEVEL_NONE;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].word[0] == (word[0] | 0x20) && strlen(words[i].word) == len &&
		    strncasecmp(words[i].word, word, len) == 0)
			return words[i].level;
	return LOG_LEVEL_NONE;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* klog: "E0102 15:04:05.000000   12 file.go:1] …"; syslog: "<3>…". */
static enum log_level by_prefix(const char *s, size_t len)
{
	static const char letters[] = "DIWEF";
	static const enum log_level levels[] = {LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN,
						LOG_LEVEL_ERROR, LOG_LEVEL_FATAL};
	static const enum log_level priorities[] = {LOG_LEVEL_FATAL, LOG_LEVEL_FATAL, LOG_LEVEL_FATAL,
						    LOG_LEVEL_ERROR, LOG_LEVEL_WARN,  LOG_LEVEL_INFO,
						    LOG_LEVEL_INFO,  LOG_LEVEL_DEBUG};
	const char *letter = len > 5 && s[0] ? strchr(letters, s[0]) : NULL;
	if (letter && strspn(s + 1, "0123456789") >= 4 && s[5] == ' ')
		return levels[letter - letters];
	if (len > 3 && s[0] == '<' && s[1] >= '0' && s[1] <= '7' && s[2] == '>')
		return priorities[s[1] - '0'];
	if (len > 6 && strncmp(s, "panic:", 6) == 0)
		return LOG_LEVEL_FATAL;
	if (len > 10 && strncmp(s, "Traceback ", 10) == 0)
		return LOG_LEVEL_ERROR;
	return LOG_LEVEL_NONE;
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* A level word counts in capitals ("ERROR"), in brackets ("[error]") or before a colon ("error: …"), so that
 * prose ("no error so far") does not. */
static enum log_level by_word(const char *s, size_t len)
{
	size_t end = len < PLAIN_LOOK ? len : PLAIN_LOOK;
	for (size_t i = 0; i < end;) {
		if (!is_word(s[i])) {
			i++;
			continue;
		}
		size_t from = i;
		while (i < len && is_word(s[i]))
			i++;
		size_t n = i - from;
		if (n < 3 || n > 11 || (s[from] >= '0' && s[from] <= '9'))
			continue;
		bool is_capital = s[from] < 'a';
		for (size_t k = from; is_capital && k < i; k++)
			is_capital = is_capital && s[k] >= 'A' && s[k] <= 'Z';
		bool is_marked =
			i < len &&
			(s[i] == ':' || (from && is_one_of(s[from - 1], "[<|(") && is_one_of(s[i], "]>|)")));
		enum log_level level = is_capital || is_marked ? log_level_of(s + from, n) : LOG_LEVEL_NONE;
		if (level)
			return level;
	}
	return LOG_LEVEL_NONE;
}

static bool is_level_name(const char *s, size_t len)
{
	static const char *const members[] = {"level", "severity", "lvl", "loglevel"};
	for (size_t m = 0; m < sizeof(members) / sizeof(members[0]); m++)
		if (strlen(members[m]) == len && memcmp(members[m], s, len) == 0)
			return true;
	return false;
}

/* `"level": "warn"` or `level=warn`: each colon or equals sign is looked at from both sides. */
static enum log_level by_member(const char *s, size_t len)
{
	bool is_json = *s == '{';
	size_t end = len < MEMBER_LOOK ? len : MEMBER_LOOK;
	for (const char *p = s; (p = memchr(p, is_json ? ':' : '=', (size_t)(s + end - p))); p++) {
		size_t to = (size_t)(p - s), at = to + 1;
		if (is_json && (!to || s[--to] != '"'))
			continue;
		size_t from = to;
		while (from && is_word(s[from - 1]))
			from--;
		bool is_whole = !from || s[from - 1] == (is_json ? '"' : ' ');
		if (!is_whole || !is_level_name(s + from, to - from))
			continue;
		while (at < len && is_one_of(s[at], "\" \t"))
			at++;
		size_t value = at;
		while (at < len && is_word(s[at]))
			at++;
		enum log_level level = log_level_of(s + value, at - value);
		if (level)
			return level;
	}
	return LOG_LEVEL_NONE;
}

enum log_level log_text_level(const char *s, size_t len)
{
	while (len && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	if (!len)
		return LOG_LEVEL_NONE;
	enum log_level level = *s == '{' ? LOG_LEVEL_NONE : by_prefix(s, len);
	if (!level)
		level = by_member(s, len);
	if (!level && *s != '{')
		level = by_word(s, len);
	return level;
}
