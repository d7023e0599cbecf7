/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration that changes under a console. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "backend/config.h"
#include "base/clock.h"
#include "base/str.h"
#include "tests/support/httpd.h"
#include "tests/support/scratch.h"
#include "views/reload.h"

struct world {
	char *dir, *file;
	struct reload *reload;
	struct complaints wrong;
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct str path = {0};
	w->dir = scratch_new();
	str_addf(&path, "%s/config.yaml", w->dir);
	w->file = str_detach(&path);
	setenv("FAIRWAY_STATE_DIR", w->dir, 1);
	unsetenv("FAIRWAY_CONTEXT");
	write_file(w->file, "bell: true\n");
	struct config *config = config_load(&(struct config_flags){.file = w->file}, &w->wrong);
	assert_non_null(config);
	w->reload = reload_new(config, w->file);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	reload_free(w->reload);
	complaints_finish(&w->wrong);
	scratch_remove(w->dir);
	free(w->file);
	free(w);
	return 0;
}

/* Waits until the descriptor says something; then everything that came is looked at. */
static enum reload_news look(struct world *w)
{
	struct pollfd p = {.fd = reload_fd(w->reload), .events = POLLIN};
	enum reload_news news = RELOAD_NOTHING, one;
	complaints_finish(&w->wrong);
	assert_int_equal(poll(&p, 1, 10000), 1);
	do {
		complaints_finish(&w->wrong);
		one = reload_look(w->reload, &w->wrong);
		news = one > news ? one : news;
	} while (poll(&p, 1, 0) == 1);
	return news;
}

static void a_good_change_is_taken(void **state)
{
	struct world *w = *state;
	assert_int_equal(reload_look(w->reload, &w->wrong), RELOAD_NOTHING);
	const struct config *old = reload_config(w->reload);
	write_file(w->file, "bell: false\n");
	assert_int_equal(look(w), RELOAD_ALL);
	assert_int_equal(config_number(reload_config(w->reload), "bell"), 0);
	assert_int_equal(config_number(old, "bell"), 1); /* what is under way may still read it */
	struct str beside = {0};
	str_addf(&beside, "%s.new", w->file);
	write_file(beside.s, "bell: true\n");
	assert_int_equal(rename(beside.s, w->file), 0); /* as editors save */
	assert_int_equal(look(w), RELOAD_ALL);
	assert_int_equal(config_number(reload_config(w->reload), "bell"), 1);
	str_finish(&beside);
}

static void a_wrong_change_is_told_and_left(void **state)
{
	struct world *w = *state;
	write_file(w->file, "bell: perhaps\n");
	assert_int_equal(look(w), RELOAD_NOTHING);
	assert_non_null(strstr(w->wrong.text, "bell"));
	assert_int_equal(config_number(reload_config(w->reload), "bell"), 1);
	write_file(w->file, "bell: false\n");
	assert_int_equal(look(w), RELOAD_ALL);
	assert_int_equal(w->wrong.count, 0);
	unlink(w->file); /* named by a flag, so its absence is a mistake */
	assert_int_equal(look(w), RELOAD_NOTHING);
	assert_int_equal(config_number(reload_config(w->reload), "bell"), 0);
}

static void another_file_is_not_looked_at(void **state)
{
	struct world *w = *state;
	struct str other = {0};
	str_addf(&other, "%s/keymap.yaml", w->dir);
	write_file(other.s, "x\n");
	write_file(w->file, "bell: true\n");
	const struct config *before = reload_config(w->reload);
	assert_int_equal(look(w), RELOAD_ALL);
	assert_ptr_not_equal(reload_config(w->reload), before);
	assert_string_equal(config_text(reload_config(w->reload), "keymap"), other.s); /* found beside it */
	write_file(other.s, "y\n"); /* the keys alone */
	assert_int_equal(look(w), RELOAD_KEYS);
	str_finish(&other);
}

static void a_link_is_followed(void **state)
{
	struct world *w = *state;
	struct str real = {0};
	str_addf(&real, "%s/dotfiles", w->dir);
	assert_int_equal(mkdir(real.s, 0700), 0);
	str_add(&real, "/fairway.yaml");
	write_file(real.s, "bell: true\n");
	unlink(w->file);
	assert_int_equal(symlink(real.s, w->file), 0);
	reload_free(w->reload);
	w->reload = reload_new(config_load(&(struct config_flags){.file = w->file}, &w->wrong), w->file);
	write_file(real.s, "bell: false\n");
	assert_int_equal(look(w), RELOAD_ALL);
	assert_int_equal(config_number(reload_config(w->reload), "bell"), 0);
	str_finish(&real);
}

static void answer(struct httpd_call *c, void *arg)
{
	if (strstr(c->target, "/v1/logs")) {
		httpd_print(c,
			    "HTTP/1.1 200 OK\r\nFairway-Api: 1\r\n\r\n1700000000000 checkout-prod-1 one\n");
		httpd_wait_closed(c);
		return;
	}
	httpd_print(c,
		    "HTTP/1.1 200 OK\r\nFairway-Api: 1\r\n\r\n{\"type\":\"BEGIN\"}\n"
		    "{\"type\":\"PUT\",\"kind\":\"service\",\"item\":{\"name\":\"%s\"}}\n{\"type\":\"SYNC\","
		    "\"cursor\":\"7.1\"}\n",
		    (const char *)arg);
	httpd_wait_closed(c);
}

static struct message *next_of(struct backend *b, uint64_t request, enum message_kind kind)
{
	int64_t deadline = clock_mono_ms() + 10000;
	while (clock_mono_ms() < deadline) {
		struct message *m = backend_next(b);
		struct pollfd p = {.fd = backend_fd(b), .events = POLLIN};
		if (m && m->request == request && m->kind == kind)
			return m;
		if (m && m->request == request && m->kind == MESSAGE_DONE)
			fail_msg("done: %s", m->err.text);
		message_free(m);
		if (!m)
			poll(&p, 1, 100);
	}
	fail_msg("no message came");
	return NULL;
}

/* Waits until that service is put, or until the list of services was swept empty (NULL). */
static void wait_service(struct backend *b, uint64_t watch, const char *name)
{
	for (bool is_there = false; !is_there;) {
		struct message *m = next_of(b, watch, MESSAGE_RECORDS);
		bool is_swept = false;
		for (size_t i = 0; i < m->changes.n; i++) {
			const struct change *c = &m->changes.items[i];
			if (c->kind == RECORD_SERVICE && c->what == CHANGE_PUT)
				is_there =
					is_there || str_eq(name, ((const struct service *)c->record)->name);
			is_swept = is_swept || (c->kind == RECORD_SERVICE && c->what == CHANGE_SYNC);
		}
		is_there = is_there || (!name && is_swept);
		message_free(m);
	}
}

static void watches_change_over_and_the_rest_goes_on(void **state)
{
	struct world *w = *state;
	char text[256], one[] = "checkout", two[] = "search";
	struct httpd *a = httpd_start(NULL, answer, one), *b = httpd_start(NULL, answer, two);
	static const char form[] = "context: acme\ncontexts: { acme: { platform: { kind: platform, url: "
				   "\"http://127.0.0.1:%d\" } } }\n";
	snprintf(text, sizeof(text), form, httpd_port(a));
	write_file(w->file, text);
	struct config *first = config_load(&(struct config_flags){.file = w->file}, &w->wrong);
	assert_non_null(first);
	snprintf(text, sizeof(text), form, httpd_port(b));
	write_file(w->file, text);
	struct config *second = config_load(&(struct config_flags){.file = w->file}, &w->wrong);
	struct err err;
	struct backend *backend = backend_start(first, &err);
	uint64_t watch = backend_send(backend, request_watch(REQUEST_KIND(RECORD_SERVICE)));
	wait_service(backend, watch, "checkout");
	uint64_t logs = backend_send(backend, request_logs(&(struct log_wish){.service = "checkout",
									      .tail = RECORD_NONE,
									      .is_following = true}));
	message_free(next_of(backend, logs, MESSAGE_LOGS));
	uint64_t reload = backend_send(backend, request_reload(second));
	wait_service(backend, watch, NULL);
	wait_service(backend, watch, "search");
	backend_cancel(backend, logs); /* it still runs: its end is this cancel */
	struct message *m;
	int64_t deadline = clock_mono_ms() + 10000;
	for (bool is_done = false; !is_done; message_free(m)) {
		struct pollfd p = {.fd = backend_fd(backend), .events = POLLIN};
		assert_true(clock_mono_ms() < deadline);
		m = backend_next(backend);
		if (!m)
			poll(&p, 1, 100);
		if (m && m->kind == MESSAGE_DONE && m->request == reload)
			assert_int_equal(m->err.kind, ERR_NONE);
		is_done = m && m->kind == MESSAGE_DONE && m->request == logs;
		if (is_done)
			assert_string_equal(m->err.text, "cancelled");
	}
	backend_stop(backend);
	config_free(first);
	config_free(second);
	httpd_stop(a);
	httpd_stop(b);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_good_change_is_taken),     CASE(a_wrong_change_is_told_and_left),
		CASE(another_file_is_not_looked_at), CASE(a_link_is_followed),
		CASE(watches_change_over_and_the_rest_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
