/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define COMPLAINTS_MAX 100

static const struct {
	enum err_kind kind;
	const char *name;
	int status;
} kinds[] = {
	{ERR_NONE, "none", 0},
	{ERR_FAILED, "failed", 1},
	{ERR_USAGE, "usage", 2},
	{ERR_REFUSED, "refused", 3},
	{ERR_NOT_FOUND, "not_found", 4},
	{ERR_UNREACHABLE, "unreachable", 5},
	{ERR_UNKNOWN, "unknown", 6},
	{ERR_MEMORY, "memory", 70},
	{ERR_CANCELLED, "cancelled", 130},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A cut in the middle of a UTF-8 character would reach the screen as a broken one. */
static void cut_on_edge(char *text, size_t size)
{
	size_t len = strnlen(text, size);
	if (len < size - 1)
		return;
	while (len > 0 && ((unsigned char)text[len - 1] & 0xC0) == 0x80)
		len--;
	if (len > 0 && (unsigned char)text[len - 1] >= 0xC0)
		len--;
	text[len] = '\0';
}

static void fill(struct err *err, enum err_kind kind, int code, const char *fmt, va_list ap)
{
	err->kind = kind;
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	cut_on_edge(err->text, sizeof(err->text));
}

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	if (!err)
		return false;
	va_list ap;
	va_start(ap, fmt);
	fill(err, kind, 0, fmt, ap);
	va_end(ap);
	return false;
}

bool err_errno(struct err *err, enum err_kind kind, int number, const char *fmt, ...)
{
	if (!err)
		return false;
	va_list ap;
	va_start(ap, fmt);
	fill(err, kind == ERR_FAILED && number == ENOMEM ? ERR_MEMORY : kind, number, fmt, ap);
	va_end(ap);
	size_t len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(number));
	cut_on_edge(err->text, sizeof(err->text));
	return false;
}

bool err_prefix(struct err *err, const char *fmt, ...)
{
	if (!err)
		return false;
	struct err old = *err;
	va_list ap;
	va_start(ap, fmt);
	fill(err, old.kind, old.code, fmt, ap);
	va_end(ap);
	size_t len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", old.text);
	cut_on_edge(err->text, sizeof(err->text));
	return false;
}

int err_exit_status(enum err_kind kind)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].status;
	return 1;
}

const char *err_kind_name(enum err_kind kind)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "failed";
}

enum err_kind err_kind_of(const char *name)
{
	for (size_t i = 0; name && i < N_KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	return ERR_FAILED;
}

void complain(struct complaints *c, const char *file, int line, const char *key, const char *value,
              const char *reason, ...)
{
	c->count++;
	if (c->count > COMPLAINTS_MAX)
		return;
	struct str s = {0};
	str_add(&s, file ? file : "");
	if (line > 0)
		str_addf(&s, ":%d", line);
	if (key)
		str_addf(&s, ": %s", key);
	if (value)
		str_addf(&s, ": \"%.80s\"", value);
	str_add(&s, ": ");
	va_list ap;
	va_start(ap, reason);
	str_vaddf(&s, reason, ap);
	va_end(ap);
	str_addc(&s, '\n');

	struct str all = {.s = c->text, .len = c->len, .cap = c->len + (c->text != NULL)};
	str_addn(&all, s.s, s.len);
	if (c->count == COMPLAINTS_MAX)
		str_add(&all, "and more: only the first 100 are shown\n");
	c->text = all.s;
	c->len = all.len;
	str_finish(&s);
}

void complaints_join(struct complaints *to, struct complaints *from)
{
	struct str all = {.s = to->text, .len = to->len, .cap = to->len + (to->text != NULL)};
	str_add(&all, from->text);
	to->text = all.s;
	to->len = all.len;
	to->count += from->count;
	complaints_finish(from);
}

void complaints_finish(struct complaints *c)
{
	free(c->text);
	*c = (struct complaints){0};
}
