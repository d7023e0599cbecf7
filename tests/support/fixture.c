/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/provider.h"
#include "backend/run.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record_json.h"
#include "tests/support/fixture_told.h"

#define SETTINGS_MAX 16
#define WALL_START 1700000000000

struct http { /* an exchange as the fixture sees it */
	struct http *next;
	char *line; /* "GET /v1/…" */
	struct http_handler handler;
	void *arg;
	bool is_gone, is_taken, is_over;
};
struct fixture {
	struct io io;
	int64_t now;
	struct loop_timer *timers;
	struct http *exchanges, *current;
	struct config_source source;
	struct setting settings[SETTINGS_MAX];
	char *names[SETTINGS_MAX], *values[SETTINGS_MAX]; /* options that the script sets */
	size_t n_options;
	struct request *request;
	char *wish, *basis; /* of the request, NULL: unsaid */
	struct run *run;
	const struct query *query; /* instead of the provider's; NULL: that */
	struct str told, bytes;
	int cut, fed, line;
	bool is_ended;
	char provider[32];
	char *message;
};

static bool fails(struct fixture *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool fails(struct fixture *f, const char *fmt, ...)
{
	struct str text = {0};
	va_list ap;
	va_start(ap, fmt);
	str_addf(&text, "line %d, cut %d: ", f->line, f->cut);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	str_copy(f->message, 4096, text.s);
	str_finish(&text);
	return false;
}

/* --- the world --- */

static int64_t mono(void *arg)
{
	return ((struct fixture *)arg)->now;
}

static int64_t wall(void *arg)
{
	return ((struct fixture *)arg)->now + WALL_START;
}

static uint32_t chance(void *arg, uint32_t below)
{
	(void)arg;
	return below / 2;
}

static void timer_clear(void *arg, struct loop_timer *t)
{
	struct fixture *f = arg;
	struct loop_timer **at = &f->timers;
	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
	t->is_set = false;
}

static void timer_set(void *arg, struct loop_timer *t, int64_t after_ms, void (*due)(void *), void *due_arg)
{
	struct fixture *f = arg;
	timer_clear(f, t);
	*t = (struct loop_timer){.at = f->now + after_ms, .due = due, .arg = due_arg, .is_set = true};
	struct loop_timer **at = &f->timers;
	while (*at && (*at)->at <= t->at)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static void pass(struct fixture *f, int64_t ms)
{
	int64_t until = f->now + ms;
	while (f->timers && f->timers->at <= until) {
		struct loop_timer *t = f->timers;
		if (t->at > f->now)
			f->now = t->at;
		f->timers = t->next;
		t->is_set = false;
		t->due(t->arg);
	}
	f->now = until;
}

static struct http *start(void *arg, const struct http_wish *wish, const struct http_handler *handler, void *handler_arg,
                          struct err *err)
{
	struct fixture *f = arg;
	struct http *h = mem_alloc(sizeof(*h)), **at = &f->exchanges;
	struct str line = {0};
	(void)err;
	const char *path = strstr(wish->url, "://");
	str_addf(&line, "%s %s", wish->method, path ? strchr(path + 3, '/') : wish->url);
	for (size_t i = 0; i < wish->n_headers; i++)
		if (str_eq(wish->headers[i].name, "Accept"))
			str_addf(&line, " as %s", wish->headers[i].value);
	if (wish->body)
		str_addf(&line, " %.*s", (int)wish->body_len, (const char *)wish->body);
	*h = (struct http){.line = str_detach(&line), .handler = *handler, .arg = handler_arg};
	while (*at)
		at = &(*at)->next;
	*at = h;
	return h;
}

static void hold(void *arg, struct http *h, bool is_held)
{
	(void)arg;
	(void)h;
	(void)is_held;
}

static void cancel(void *arg, struct http *h)
{
	(void)arg;
	h->is_gone = true;
}

struct reach_wait {
	struct fixture *fixture;
	struct loop_timer timer;
	reach_told *told;
	void *arg;
};

static void on_reach(void *arg)
{
	struct reach_wait *w = arg;
	w->told(&(struct reach){.url = "http://localhost", .scope = "default", .who = "ada"}, NULL, w->arg);
	free(w);
}

static struct reach_wait *reach(void *arg, const struct config_source *source, reach_told *told, void *told_arg)
{
	struct reach_wait *w = mem_alloc(sizeof(*w));
	(void)source;
	*w = (struct reach_wait){.fixture = arg, .told = told, .arg = told_arg};
	timer_set(arg, &w->timer, 0, on_reach, w);
	return w;
}

static void reach_cancelled(void *arg, struct reach_wait *w)
{
	timer_clear(arg, &w->timer);
	free(w);
}

static bool reach_refused_by(void *arg, const struct config_source *source, uint64_t serial)
{
	(void)arg;
	(void)source;
	(void)serial;
	return false;
}

/* --- what is told --- */

static void deliver(void *arg, struct message *m)
{
	fixture_tell(&((struct fixture *)arg)->told, m);
	message_free(m);
}

static void ended(struct run *r, const struct err *err, void *arg)
{
	struct fixture *f = arg;
	(void)r;
	f->is_ended = true;
	if (err->kind)
		str_addf(&f->told, "done %s: %s\n", err_kind_name(err->kind), err->text);
	else
		str_add(&f->told, "done\n");
}

static void settled(struct run *r, void *arg)
{
	(void)r;
	str_add(&((struct fixture *)arg)->told, "settled\n");
}

/* --- the script --- */

static struct request *make_logs(const char *service, char *b, char *c, char **save)
{
	struct log_wish wish = {.service = service, .tail = RECORD_NONE};
	for (char *word = b; word; word = word == b ? c : strtok_r(NULL, " ", save)) {
		wish.is_following = wish.is_following || str_eq(word, "follow");
		wish.is_previous = wish.is_previous || str_eq(word, "previous");
		if (str_starts(word, "tail="))
			wish.tail = strtol(word + 5, NULL, 10);
		if (str_starts(word, "since="))
			clock_parse_rfc3339(word + 6, &wish.since);
		if (str_starts(word, "instance="))
			wish.instance = word + 9;
	}
	return request_logs(&wish);
}

static unsigned kinds_of(char *names)
{
	unsigned kinds = 0;
	char *save = NULL;
	for (char *name = names ? strtok_r(names, ",", &save) : NULL; name; name = strtok_r(NULL, ",", &save))
		kinds |= record_class_named(name) ? REQUEST_KIND(record_class_named(name)->kind) : 0;
	return kinds;
}

static struct request *make_request(char *words)
{
	char *save = NULL, *kind = strtok_r(words, " ", &save), *a = strtok_r(NULL, " ", &save), *b = strtok_r(NULL, " ", &save),
	     *c = strtok_r(NULL, " ", &save);
	if (str_eq(kind, "watch"))
		return request_watch(kinds_of(a));
	if (str_eq(kind, "read"))
		return request_read(kinds_of(a), kinds_of(b));
	if (str_eq(kind, "logs"))
		return make_logs(a, b, c, &save);
	if (str_eq(kind, "document"))
		return request_document(str_eq(a, "spec") ? DOCUMENT_SPEC : str_eq(a, "log") ? DOCUMENT_BUILD_LOG : DOCUMENT_RUNBOOK,
					b, str_eq(a, "log") ? b : c, false);
	if (str_eq(kind, "use"))
		return request_use(a, NULL, str_eq(b, "follow"));
	if (str_eq(kind, "series"))
		return request_series(&(struct series_wish){.service = "a", .environment = "b", .name = "error_ratio"});
	if (str_eq(kind, "audit"))
		return request_new(REQUEST_AUDIT_VERIFY);
	if (str_eq(kind, "info"))
		return request_new(REQUEST_INFO);
	if (str_eq(kind, "plan")) {
		struct wish wish;
		record_init(record_class(RECORD_WISH), &wish);
		wish.action = a;
		wish.service = b;
		return request_plan(&wish);
	}
	if (str_eq(kind, "execute"))
		return request_execute(a, b, NULL);
	if (str_eq(kind, "undo"))
		return request_undo(a);
	if (str_eq(kind, "raise"))
		return request_new(REQUEST_RAISE);
	return str_eq(kind, "shutdown") ? request_shutdown(true) : NULL;
}

static bool begin(struct fixture *f, const char *provider, const char *words)
{
	char *copy = mem_dup(words);
	const struct provider *p = provider_find(provider);
	f->request = p ? make_request(copy) : NULL;
	free(copy);
	if (!f->request)
		return fails(f, "no such provider or request: %s", words);
	f->request->id = 1;
	f->request->by = "ada";
	f->request->basis = arena_dup(&f->request->arena, f->basis);
	struct err err;
	if (f->wish && !record_from_text(record_class(RECORD_WISH), f->wish, strlen(f->wish), &f->request->wish,
					 &f->request->arena, &err))
		return fails(f, "wish: %s", err.text);
	f->source = (struct config_source){.name = provider, .provider = p, .role = p->roles[0], .environment = "prod", .settings = f->settings,
	                                   .n_settings = p->n_options};
	for (size_t i = 0; i < p->n_options && i < SETTINGS_MAX; i++)
		f->settings[i] = (struct setting){.option = &p->options[i], .text = p->options[i].absent};
	for (size_t i = 0; i < p->n_options && i < SETTINGS_MAX; i++)
		for (size_t k = 0; k < f->n_options; k++)
			if (str_eq(p->options[i].name, f->names[k]))
				f->settings[i].text = f->values[k];
	const struct query *query = f->query ? f->query : provider_query(p, f->request);
	if (!query)
		return fails(f, "%s does not serve this", provider);
	f->run = run_new(&(struct run_wish){.io = &f->io, .source = &f->source, .query = query, .request = f->request,
	                                    .ended = ended, .settled = settled, .arg = f});
	run_start(f->run);
	return true;
}

static void unescape(struct str *out, const char *text)
{
	for (; *text; text++) {
		unsigned byte;
		if (text[0] == '\\' && text[1] == 'x' && sscanf(text + 2, "%2x", &byte) == 1) {
			str_addc(out, (char)byte);
			text += 3;
		} else if (text[0] == '\\' && (text[1] == 'n' || text[1] == '\\')) {
			str_addc(out, text[1] == 'n' ? '\n' : '\\');
			text++;
		} else {
			str_addc(out, *text);
		}
	}
}

static void hand(struct fixture *f, const char *bytes, size_t len)
{
	if (len && f->current && !f->current->is_gone)
		f->current->handler.bytes(f->current->arg, bytes, len);
}

/* Feeds what neighbouring lines gathered, broken where the run wants it. */
static void feed(struct fixture *f)
{
	struct str bytes = f->bytes;
	f->bytes = (struct str){0};
	if (f->cut < 0) {
		for (size_t i = 0; i < bytes.len; i++)
			hand(f, bytes.s + i, 1);
	} else if (bytes.len && f->cut > f->fed && f->cut < f->fed + (int)bytes.len) {
		hand(f, bytes.s, (size_t)(f->cut - f->fed));
		hand(f, bytes.s + (f->cut - f->fed), bytes.len - (size_t)(f->cut - f->fed));
	} else {
		hand(f, bytes.s, bytes.len);
	}
	f->fed += (int)bytes.len;
	str_finish(&bytes);
}

static bool expect_request(struct fixture *f, const char *line)
{
	pass(f, 0);
	struct http *first = NULL;
	for (struct http *h = f->exchanges; h; h = h->next) {
		if (h->is_taken || h->is_gone)
			continue;
		first = first ? first : h;
		if (!str_eq(h->line, line))
			continue;
		h->is_taken = true;
		f->current = h;
		return true;
	}
	return first ? fails(f, "sent: %s\nwanted: %s", first->line, line)
		     : fails(f, "nothing was sent; wanted: %s", line);
}

/* Goes back to one that is open: that very request, else the last that begins so. */
static bool choose(struct fixture *f, const char *line)
{
	struct http *found = NULL;
	for (struct http *h = f->exchanges; h; h = h->next) {
		bool is_open = h->is_taken && !h->is_over;
		if (is_open && str_starts(h->line, line) && !(found && str_eq(found->line, line)))
			found = h;
	}
	f->current = found;
	return found || fails(f, "none is open: %s", line);
}

static bool nothing_sent(struct fixture *f)
{
	pass(f, 0);
	for (struct http *h = f->exchanges; h; h = h->next)
		if (!h->is_taken && !h->is_gone)
			return fails(f, "sent without being wanted: %s", h->line);
	return true;
}

static bool set_option(struct fixture *f, char *words)
{
	char *value = strchr(words, ' ');
	if (!value || f->n_options == SETTINGS_MAX)
		return fails(f, "option NAME VALUE");
	*value = '\0';
	f->names[f->n_options] = mem_dup(words);
	f->values[f->n_options++] = mem_dup(value + 1);
	return true;
}

static bool give_head(struct fixture *f, char *text)
{
	struct header headers[16];
	size_t n = 0;
	char *rest = strchr(text, ' ');
	while (rest && n < 16) {
		char *name = rest + 1, *colon = strstr(name, ": ");
		if (!colon)
			break;
		*colon = '\0';
		rest = strstr(colon + 2, "; ");
		if (rest)
			*rest++ = '\0';
		for (char *c = name; *c; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c + 'a' - 'A');
		headers[n++] = (struct header){name, colon + 2};
	}
	if (!f->current)
		return fails(f, "a reply without a request");
	if (!f->current->is_gone)
		f->current->handler.head(f->current->arg, atoi(text), headers, n);
	return true;
}

static bool end_exchange(struct fixture *f, const char *how)
{
	struct err err = {0};
	struct http *h = f->current;
	if (!h)
		return fails(f, "an end without a request");
	if (str_eq(how, "gone"))
		return h->is_gone || fails(f, "the exchange goes on");
	if (str_eq(how, "reset")) {
		err_set(&err, ERR_UNREACHABLE, "the connection was reset");
		err.code = ECONNRESET;
	} else if (str_eq(how, "refused"))
		err_errno(&err, ERR_UNREACHABLE, ECONNREFUSED, "api.sock");
	else if (str_eq(how, "lost"))
		err_set(&err, ERR_UNKNOWN, "the request was sent, its outcome is not known");
	if (!h->is_gone && !h->is_over)
		h->handler.done(h->arg, err.kind ? &err : NULL);
	h->is_over = true;
	return true;
}

static bool expect_told(struct fixture *f, const char *escaped)
{
	char line[4096];
	struct str plain = {0};
	unescape(&plain, escaped);
	str_copy(line, sizeof(line), str_text(&plain));
	str_finish(&plain);
	char *lf = f->told.len ? memchr(f->told.s, '\n', f->told.len) : NULL;
	size_t len = lf ? (size_t)(lf - f->told.s) : 0;
	if (!lf)
		return fails(f, "nothing was told; wanted: %s", line);
	if (len != strlen(line) || memcmp(f->told.s, line, len) != 0)
		return fails(f, "told:   %.*s\nwanted: %s", (int)len, f->told.s, line);
	memmove(f->told.s, lf + 1, f->told.len - len);
	f->told.len -= len + 1;
	return true;
}

static bool nothing_left(struct fixture *f)
{
	return f->told.len == 0 || fails(f, "told without being wanted: %s", f->told.s);
}

static bool obey(struct fixture *f, char *line)
{
	char *provider = f->provider;
	int64_t ms;
	bool is_bytes = str_starts(line, "<< ") || str_starts(line, "<- ");
	if (is_bytes) {
		unescape(&f->bytes, line + 3);
		if (line[1] == '<')
			str_addc(&f->bytes, '\n');
		return true;
	}
	if (line[0] == '\0' || line[0] == '#')
		return true;
	feed(f);
	if (line[0] == '=')
		return expect_told(f, line + 2);
	if (!nothing_left(f))
		return false;
	if (sscanf(line, "provider %31s", provider) == 1)
		return true;
	if (str_starts(line, "wish ") || str_starts(line, "basis ")) {
		char **kept = line[0] == 'w' ? &f->wish : &f->basis;
		free(*kept);
		*kept = mem_dup(strchr(line, ' ') + 1);
		return true;
	}
	int ended_with;
	if (sscanf(line, "terminal %d", &ended_with) == 1) {
		run_answered(f->run, &(struct terminal_answer){.status = ended_with});
		return true;
	}
	if (str_starts(line, "request "))
		return begin(f, provider, line + 8);
	if (str_starts(line, "option "))
		return set_option(f, line + 7);
	if (str_eq(line, "> nothing"))
		return nothing_sent(f);
	if (str_starts(line, "@ "))
		return choose(f, line + 2);
	if (str_starts(line, "> "))
		return expect_request(f, line + 2);
	if (str_starts(line, "< "))
		return give_head(f, line + 2);
	if (str_starts(line, "! "))
		return end_exchange(f, line + 2);
	if (str_starts(line, "+ ") && clock_parse_duration(line + 2, &ms)) {
		pass(f, ms);
		return true;
	}
	return fails(f, "cannot read: %s", line);
}

bool fixture_run(const char *script, size_t len, int cut, char message[4096])
{
	return fixture_run_query(NULL, script, len, cut, message);
}

bool fixture_run_query(const struct query *query, const char *script, size_t len, int cut, char message[4096])
{
	json_start();
	struct fixture f = {.cut = cut, .message = message, .query = query};
	f.io = (struct io){.mono = mono, .wall = wall, .chance = chance, .timer_set = timer_set, .timer_clear = timer_clear,
	                   .start = start, .hold = hold, .cancel = cancel, .reach = reach,
	                   .reach_cancel = reach_cancelled, .reach_refused = reach_refused_by, .deliver = deliver, .arg = &f};
	char *copy = mem_dup_n(script, len), *line = copy;
	bool is_good = true;
	while (is_good && line) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		f.line++;
		is_good = obey(&f, line);
		line = end ? end + 1 : NULL;
	}
	if (is_good) {
		feed(&f);
		is_good = nothing_left(&f);
	}
	run_free(f.run);
	request_free(f.request);
	while (f.exchanges) {
		struct http *h = f.exchanges;
		f.exchanges = h->next;
		free(h->line);
		free(h);
	}
	for (size_t i = 0; i < f.n_options; i++) {
		free(f.names[i]);
		free(f.values[i]);
	}
	free(f.wish);
	free(f.basis);
	str_finish(&f.told);
	str_finish(&f.bytes);
	free(copy);
	return is_good;
}

int fixture_bytes(const char *script, size_t len)
{
	char *copy = mem_dup_n(script, len), *save = NULL;
	struct str bytes = {0};
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!str_starts(line, "<< ") && !str_starts(line, "<- "))
			continue;
		unescape(&bytes, line + 3);
		if (line[1] == '<')
			str_addc(&bytes, '\n');
	}
	int n = (int)bytes.len;
	str_finish(&bytes);
	free(copy);
	return n;
}
