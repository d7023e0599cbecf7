/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/form.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ROWS_A_FIELD 3 /* label and value, help or error, a blank */
#define LABEL_MAX 28

struct slot {
	struct form_field field;
	struct prompt prompt; /* holds the value of every kind */
	char error[160];
	bool is_touched; /* what was never changed is not complained about while typing */
};
struct form {
	struct slot *slots;
	size_t n, focus;
	int top; /* first row drawn */
};

static const char *const bools[] = {"false", "true"};

static const char *value_of(const struct slot *slot)
{
	return str_text(&slot->prompt.text);
}

static const char *const *choices_of(const struct slot *slot, size_t *n)
{
	if (slot->field.kind == FORM_BOOL) {
		*n = 2;
		return bools;
	}
	*n = slot->field.kind == FORM_ENUM ? slot->field.n_options : 0;
	return slot->field.options;
}

static bool is_choice(const struct slot *slot, const char *value)
{
	size_t n;
	const char *const *choices = choices_of(slot, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(choices[i], value) == 0)
			return true;
	return false;
}

/* Sets the slot's error, "" when the value is right. */
static bool check(struct slot *slot)
{
	const struct form_field *field = &slot->field;
	const char *value = value_of(slot);
	long long number;
	slot->error[0] = '\0';
	if (!*value) {
		if (field->is_required)
			str_copy(slot->error, sizeof(slot->error), "must be given");
		return !field->is_required;
	}
	if (field->kind == FORM_INT && !str_to_int(value, LLONG_MIN, LLONG_MAX, &number))
		str_copy(slot->error, sizeof(slot->error), "must be a whole number");
	else if ((field->kind == FORM_BOOL || field->kind == FORM_ENUM) && !is_choice(slot, value))
		str_copy(slot->error, sizeof(slot->error), "must be one of the choices");
	else if (!field->check || field->check(field, value, slot->error, sizeof(slot->error), field->arg))
		slot->error[0] = '\0';
	else if (!slot->error[0])
		str_copy(slot->error, sizeof(slot->error), "is wrong");
	return !slot->error[0];
}

struct form *form_new(const struct form_field *fields, size_t n)
{
	struct form *form = mem_alloc(sizeof(*form));
	form->slots = mem_array(n + 1, sizeof(*form->slots));
	form->n = n;
	for (size_t i = 0; i < n; i++) {
		struct slot *slot = &form->slots[i];
		size_t n_choices;
		slot->field = fields[i];
		const char *const *choices = choices_of(slot, &n_choices);
		const char *initial = fields[i].initial ? fields[i].initial : n_choices ? choices[0] : "";
		prompt_init(&slot->prompt, "", initial);
		slot->prompt.is_secret = fields[i].kind == FORM_SECRET;
		check(slot);
	}
	return form;
}

void form_free(struct form *form)
{
	if (!form)
		return;
	for (size_t i = 0; i < form->n; i++)
		prompt_finish(&form->slots[i].prompt);
	free(form->slots);
	free(form);
}

static struct slot *find(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->n; i++)
		if (strcmp(form->slots[i].field.name, name) == 0)
			return &form->slots[i];
	return NULL;
}

const char *form_value(const struct form *form, const char *name)
{
	const struct slot *slot = find(form, name);
	return slot ? value_of(slot) : NULL;
}

bool form_set(struct form *form, const char *name, const char *value)
{
	struct slot *slot = find(form, name);
	if (!slot)
		return false;
	prompt_set(&slot->prompt, value);
	slot->is_touched = true;
	check(slot);
	return true;
}

void form_set_error(struct form *form, const char *name, const char *error)
{
	struct slot *slot = find(form, name);
	if (!slot)
		return;
	str_copy(slot->error, sizeof(slot->error), error);
	slot->is_touched = true;
}

bool form_is_valid(const struct form *form)
{
	for (size_t i = 0; i < form->n; i++)
		if (form->slots[i].error[0])
			return false;
	return true;
}

size_t form_focus(const struct form *form)
{
	return form->focus;
}

static enum form_result step(struct form *form, int by)
{
	if (form->n == 0)
		return FORM_TAKEN;
	form->slots[form->focus].is_touched = true;
	form->focus = (form->focus + form->n + (size_t)by) % form->n;
	return FORM_TAKEN;
}

/* Done when all is right; else the first field that is not gets the focus. */
static enum form_result finish(struct form *form)
{
	for (size_t i = 0; i < form->n; i++)
		form->slots[i].is_touched = true;
	for (size_t i = 0; i < form->n; i++) {
		if (form->slots[i].error[0]) {
			form->focus = i;
			return FORM_TAKEN;
		}
	}
	return FORM_DONE;
}

static enum form_result change_choice(struct slot *slot, int by)
{
	size_t n, at = 0;
	const char *const *choices = choices_of(slot, &n);
	if (n == 0)
		return FORM_TAKEN;
	while (at < n && strcmp(choices[at], value_of(slot)) != 0)
		at++;
	at = at == n ? 0 : (at + n + (size_t)by) % n;
	prompt_set(&slot->prompt, choices[at]);
	slot->is_touched = true;
	check(slot);
	return FORM_CHANGED;
}

static enum form_result edit(struct slot *slot, const struct key *key)
{
	switch (prompt_key(&slot->prompt, key)) {
	case PROMPT_CHANGED:
		slot->is_touched = true;
		check(slot);
		return FORM_CHANGED;
	case PROMPT_CANCELLED:
		return FORM_CANCELLED;
	case PROMPT_IGNORED:
		return FORM_IGNORED;
	default:
		return FORM_TAKEN;
	}
}

enum form_result form_key(struct form *form, const struct key *key)
{
	bool is_plain = !key->is_pasted;
	if (is_plain && key->sym == KEYSYM_CHAR && key->mods == KEYMOD_CTRL && key->cp == 's')
		return finish(form);
	if (is_plain && key->sym == KEYSYM_ESC)
		return FORM_CANCELLED;
	if (form->n == 0)
		return key_is(key, KEYSYM_ENTER) ? FORM_DONE : FORM_IGNORED;
	struct slot *slot = &form->slots[form->focus];
	if (is_plain && (key->sym == KEYSYM_UP || (key->sym == KEYSYM_TAB && key->mods & KEYMOD_SHIFT)))
		return step(form, -1);
	if (is_plain && (key->sym == KEYSYM_DOWN || key->sym == KEYSYM_TAB))
		return step(form, 1);
	if (is_plain && key_is(key, KEYSYM_ENTER))
		return form->focus + 1 < form->n ? step(form, 1) : finish(form);
	if (slot->field.kind != FORM_BOOL && slot->field.kind != FORM_ENUM)
		return edit(slot, key);
	if (key->sym == KEYSYM_LEFT)
		return change_choice(slot, -1);
	if (key->sym == KEYSYM_RIGHT || key_is_char(key, ' '))
		return change_choice(slot, 1);
	return FORM_IGNORED;
}

static void draw_choices(const struct slot *slot, const struct canvas *c, int x, bool is_focused)
{
	size_t n;
	const char *const *choices = choices_of(slot, &n);
	for (size_t i = 0; i < n; i++) {
		bool is_chosen = strcmp(choices[i], value_of(slot)) == 0;
		enum style style = !is_chosen ? STYLE_DIM : is_focused ? STYLE_FIELD_FOCUS : STYLE_STRONG;
		x = canvas_textf(c, 0, x, style, is_chosen ? "[%s]" : " %s ", choices[i]) + 1;
	}
}

static void draw_slot(struct slot *slot, const struct canvas *c, int labels, bool is_focused)
{
	canvas_field(c, 0, 0, labels, is_focused ? STYLE_TITLE_FOCUS : STYLE_TEXT, UTF8_LEFT,
		     slot->field.label);
	if (slot->field.is_required)
		canvas_text(c, 0, labels, STYLE_DIM, "*");
	int x = labels + 2;
	struct canvas field = canvas_sub(c, 0, x, 1, c->columns - x);
	if (slot->field.kind == FORM_BOOL || slot->field.kind == FORM_ENUM) {
		draw_choices(slot, c, x, is_focused);
	} else {
		canvas_fill(&field, 0, 0, 1, field.columns, is_focused ? STYLE_FIELD_FOCUS : STYLE_FIELD,
			    ' ');
		struct canvas text = field;
		text.over = is_focused ? STYLE_FIELD_FOCUS : STYLE_FIELD;
		int cursor_y = c->grid->cursor_y, cursor_x = c->grid->cursor_x;
		prompt_draw(&slot->prompt, &text, NULL);
		if (!is_focused) {
			c->grid->cursor_y = cursor_y;
			c->grid->cursor_x = cursor_x;
		}
	}
	if (slot->error[0] && slot->is_touched)
		canvas_textf(c, 1, x, STYLE_ERROR, "%s %s", style_sign(STYLE_FAILING), slot->error);
	else
		canvas_text(c, 1, x, STYLE_DIM, slot->field.help);
}

void form_draw(struct form *form, const struct canvas *c)
{
	int labels = 0, focus = (int)form->focus * ROWS_A_FIELD;
	for (size_t i = 0; i < form->n; i++) {
		int width = (int)utf8_width(form->slots[i].field.label, strlen(form->slots[i].field.label));
		labels = width > labels ? width : labels;
	}
	labels = labels < LABEL_MAX ? labels : LABEL_MAX;
	if (focus < form->top)
		form->top = focus;
	if (focus + 2 > form->top + c->rows)
		form->top = focus + 2 - c->rows;
	for (size_t i = 0; i < form->n; i++) {
		int y = (int)i * ROWS_A_FIELD - form->top;
		if (y < 0 || y >= c->rows)
			continue;
		struct canvas part = canvas_sub(c, y, 0, ROWS_A_FIELD, c->columns);
		draw_slot(&form->slots[i], &part, labels, i == form->focus);
	}
}
