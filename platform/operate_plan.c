/* SPDX-License-Identifier: Apache-2.0 */
/* What rows of actions use to fill their plans. */
#include <stdarg.h>
#include <string.h>

#include "platform/operate_row.h"

static void add(struct planning *p, const char **list, size_t *n, const char *fmt, va_list ap)
{
	if (*n == PLAN_LIST)
		return;
	struct str text = {0};
	str_vaddf(&text, fmt, ap);
	list[(*n)++] = arena_dup(p->arena, str_text(&text));
	str_finish(&text);
}

const char *plan_word(struct planning *p, const char *text)
{
	struct str word = {0};
	str_add_word(&word, text);
	const char *kept = arena_dup(p->arena, word.s);
	str_finish(&word);
	return kept;
}

void plan_change(struct planning *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(p, p->changes, &p->n_changes, fmt, ap);
	va_end(ap);
}

void plan_warn(struct planning *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(p, p->warnings, &p->n_warnings, fmt, ap);
	va_end(ap);
}

void plan_step(struct planning *p, const char *name)
{
	if (p->n_steps < PLAN_LIST)
		p->steps[p->n_steps++] = arena_dup(p->arena, name);
}

void plan_lock(struct planning *p, const char *text)
{
	if (p->n_locks < PLAN_LIST)
		p->locks[p->n_locks++] = arena_dup(p->arena, text);
}

void plan_command(struct planning *p, const char *text)
{
	if (p->n_commands < PLAN_LIST)
		p->commands[p->n_commands++] = arena_dup(p->arena, text);
	else /* nobody approves what cannot be shown */
		plan_refuse(p, ERR_REFUSED, "more than %d commands: bring the folders in one by one", PLAN_LIST);
}

void plan_basis(struct planning *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&p->basis, fmt, ap);
	va_end(ap);
}

void plan_refuse(struct planning *p, enum err_kind kind, const char *fmt, ...)
{
	if (p->plan->refusal)
		return;
	struct str text = {0};
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	p->plan->refusal = arena_dup(p->arena, str_text(&text));
	p->plan->refusal_kind = err_kind_name(kind);
	str_finish(&text);
}
