/* SPDX-License-Identifier: Apache-2.0 */
/* The files provider over the whole client layer, in a folder that means no good. */
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
#include "model/overlay.h"
#include "tests/support/scratch.h"

struct world {
	char *dir;
	struct config *config;
	struct backend *b;
	struct overlay *services, *sources, *runbooks, *paths;
	uint64_t watch;
};

/* Makes the folders on the way. NULL text: only those. */
static const char *place(struct world *w, const char *name, const char *text)
{
	static char path[512];
	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	for (char *c = path + strlen(w->dir) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		mkdir(path, 0700);
		*c = '/';
	}
	FILE *f = text ? fopen(path, "w") : NULL;
	if (text) {
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
		chmod(path, 0600);
	}
	return path;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char text[1024];
	struct complaints wrong = {0};
	struct err err;
	w->dir = scratch_new();
	place(w, "cat/", NULL);
	place(w, "books/", NULL);
	place(w, "ways/", NULL);
	snprintf(text, sizeof(text),
		 "context: acme\ncontexts:\n  acme:\n    catalog: { kind: files, path: \"%s/cat\" }\n"
		 "    runbooks: { kind: files, path: \"%s/books\" }\n"
		 "    paths: { kind: files, path: \"%s/ways\" }\n",
		 w->dir, w->dir, w->dir);
	char *file = strdup(place(w, "config.yaml", text));
	setenv("FAIRWAY_STATE_DIR", w->dir, 1);
	unsetenv("FAIRWAY_CONTEXT");
	w->config = config_load(&(struct config_flags){.file = file}, &wrong);
	free(file);
	if (!w->config)
		fail_msg("%s", wrong.text);
	w->b = backend_start(w->config, &err);
	assert_non_null(w->b);
	w->services = overlay_new(record_class(RECORD_SERVICE));
	w->sources = overlay_new(record_class(RECORD_SOURCE));
	w->runbooks = overlay_new(record_class(RECORD_RUNBOOK));
	w->paths = overlay_new(record_class(RECORD_PATH));
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	backend_stop(w->b);
	config_free(w->config);
	overlay_free(w->services);
	overlay_free(w->sources);
	overlay_free(w->runbooks);
	overlay_free(w->paths);
	scratch_remove(w->dir);
	free(w);
	return 0;
}

static void apply(struct world *w, const struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		const struct change *c = &changes->items[i];
		struct overlay *o = c->kind == RECORD_SERVICE   ? w->services
				    : c->kind == RECORD_SOURCE  ? w->sources
				    : c->kind == RECORD_RUNBOOK ? w->runbooks
				    : c->kind == RECORD_PATH    ? w->paths
								: NULL;
		if (!o)
			continue;
		if (c->what == CHANGE_BEGIN)
			overlay_begin(o, changes->source);
		else if (c->what == CHANGE_SYNC)
			overlay_end(o, changes->source);
		else if (c->what == CHANGE_PUT)
			overlay_put(o, c->record);
		else
			overlay_delete_key(o, changes->source, c->key);
	}
}

/* The next message of that kind; rows are applied on the way. */
static struct message *next(struct world *w, enum message_kind kind)
{
	int64_t deadline = clock_mono_ms() + 10000;
	while (clock_mono_ms() < deadline) {
		struct message *m = backend_next(w->b);
		struct pollfd p = {.fd = backend_fd(w->b), .events = POLLIN};
		if (m && m->kind == MESSAGE_RECORDS)
			apply(w, &m->changes);
		if (m && m->kind == kind)
			return m;
		message_free(m);
		if (!m)
			poll(&p, 1, 100);
	}
	fail_msg("no message of kind %s came", message_kind_name(kind));
	return NULL;
}

static void watch(struct world *w)
{
	w->watch = backend_send(w->b, request_watch(REQUEST_ALL_KINDS));
	message_free(next(w, MESSAGE_SETTLED));
}

static const void *row(const struct overlay *o, const char *key)
{
	return records_row(overlay_rows(o), records_find_key(overlay_rows(o), NULL, key));
}

/* Waits until the source says so; a state is told a moment after what it is about. */
static const struct source *wait_source(struct world *w, const char *name, enum source_state state)
{
	int64_t deadline = clock_mono_ms() + 10000;
	const struct source *s;
	while (!(s = row(w->sources, name)) || s->state != (int)state) {
		assert_true(clock_mono_ms() < deadline);
		message_free(next(w, MESSAGE_RECORDS));
	}
	return s;
}

static void good_rows_come(void **state)
{
	struct world *w = *state;
	place(w, "cat/checkout/service.yaml", "name: checkout\nteam: payments\n");
	place(w, "cat/a/b/c/service.yaml", "name: deep-enough\n");
	watch(w);
	assert_string_equal(((const struct service *)row(w->services, "checkout"))->team, "payments");
	assert_int_equal(((const struct service *)row(w->services, "checkout"))->health, HEALTH_UNKNOWN);
	assert_non_null(row(w->services, "deep-enough"));
	wait_source(w, "catalog", SOURCE_LIVE);
}

static void links_pipes_and_depths_are_left_alone(void **state)
{
	struct world *w = *state;
	place(w, "cat/checkout/service.yaml", "name: checkout\n");
	place(w, "outside/service.yaml", "name: outside\n");
	char target[512];
	snprintf(target, sizeof(target), "%s/outside", w->dir);
	assert_int_equal(symlink(target, place(w, "cat/linked", NULL)), 0);
	snprintf(target, sizeof(target), "%s/outside/service.yaml", w->dir);
	place(w, "cat/link-to-file/", NULL);
	assert_int_equal(symlink(target, place(w, "cat/link-to-file/service.yaml", NULL)), 0);
	assert_int_equal(symlink("..", place(w, "cat/checkout/loop", NULL)), 0);
	assert_int_equal(mkfifo(place(w, "cat/pipe/service.yaml", NULL), 0600),
			 0); /* opened, it would wait for ever */
	place(w, "cat/1/2/3/4/5/6/service.yaml", "name: too-deep\n");
	place(w, "cat/node_modules/service.yaml", "name: vendored\n");
	place(w, "cat/.hidden/service.yaml", "name: hidden\n");
	watch(w);
	assert_non_null(row(w->services, "checkout"));
	assert_int_equal(records_count(overlay_rows(w->services)), 1);
	wait_source(w, "catalog", SOURCE_LIVE);
}

static void one_bad_file_hides_no_others(void **state)
{
	struct world *w = *state;
	place(w, "cat/a-huge/service.yaml", "name: huge\n");
	assert_int_equal(truncate(place(w, "cat/a-huge/service.yaml", NULL), 8 << 20), 0);
	place(w, "cat/b-bomb/service.yaml",
	      "a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
	      "d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d]\n");
	place(w, "cat/c-wrong/service.yaml", "name: [\n");
	place(w, "cat/z-good/service.yaml", "name: good\n");
	watch(w);
	assert_non_null(row(w->services, "good"));
	assert_int_equal(records_count(overlay_rows(w->services)), 1);
	const struct source *s = wait_source(w, "catalog", SOURCE_STALE);
	assert_non_null(strstr(s->error, "a-huge/service.yaml"));
}

static void a_folder_without_an_end_is_told(void **state)
{
	struct world *w = *state;
	char name[64];
	for (int i = 0; i < 1001; i++) {
		snprintf(name, sizeof(name), "cat/s%d/service.yaml", i);
		place(w, name, "name: x\n");
	}
	watch(w);
	const struct source *s = wait_source(w, "catalog", SOURCE_DOWN);
	assert_non_null(strstr(s->error, "more than 1000 files"));
}

static void an_absent_folder_is_down(void **state)
{
	struct world *w = *state;
	char from[512], to[512];
	snprintf(from, sizeof(from), "%s/cat", w->dir);
	snprintf(to, sizeof(to), "%s/gone", w->dir);
	assert_int_equal(rename(from, to), 0);
	watch(w);
	wait_source(w, "catalog", SOURCE_DOWN);
	wait_source(w, "runbooks", SOURCE_LIVE);
}

static void a_runbook_is_read_from_its_folder_only(void **state)
{
	struct world *w = *state;
	static const char *const services[] = {"..", "../cat", "checkout/..", "/etc", ""};
	place(w, "books/checkout/high.md", "# High error rate\n");
	place(w, "cat/secret.md", "# not a runbook\n");
	watch(w);
	assert_non_null(row(w->runbooks, "checkout/high.md"));
	backend_send(w->b, request_document(DOCUMENT_RUNBOOK, "checkout", "high.md", false));
	struct message *m = next(w, MESSAGE_DOCUMENT);
	assert_memory_equal(m->document.text, "# High", 6);
	message_free(m);
	message_free(next(w, MESSAGE_DONE));
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		backend_send(w->b, request_document(DOCUMENT_RUNBOOK, services[i], "secret.md", false));
		m = next(w, MESSAGE_DONE);
		assert_int_equal(m->err.kind, ERR_NOT_FOUND);
		message_free(m);
	}
}

static const char worker[] = "name: worker\nparameters: { name: { pattern: \"^[a-z]+$\" } }\n";

static void paths_are_the_carried_ones_and_those_of_the_folder(void **state)
{
	struct world *w = *state;
	static const char *const absent[] = {"nothing", "..", "../ways/worker", "worker/template", ""};
	place(w, "ways/worker/path.yaml", worker);
	place(w, "ways/worker/template/run.sh", "echo <%name%>\n");
	watch(w);
	assert_non_null(row(w->paths, "worker"));
	assert_non_null(row(w->paths, "http-service"));
	backend_send(w->b, request_document(DOCUMENT_PATH, NULL, "worker", false));
	struct message *m = next(w, MESSAGE_DOCUMENT);
	assert_int_equal(m->document.len, sizeof(worker) - 1);
	assert_memory_equal(m->document.text, worker, sizeof(worker) - 1);
	message_free(m);
	message_free(next(w, MESSAGE_DONE));
	backend_send(w->b, request_document(DOCUMENT_PATH, NULL, "http-service", false));
	m = next(w, MESSAGE_DOCUMENT);
	assert_non_null(strstr(m->document.text, "name: http-service"));
	message_free(m);
	message_free(next(w, MESSAGE_DONE));
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		backend_send(w->b, request_document(DOCUMENT_PATH, NULL, absent[i], false));
		m = next(w, MESSAGE_DONE);
		assert_int_equal(m->err.kind, ERR_NOT_FOUND);
		message_free(m);
	}
}

static void a_path_lies_in_a_folder_of_its_name(void **state)
{
	struct world *w = *state;
	place(w, "ways/other/path.yaml", worker);
	place(w, "ways/other/template/run.sh", "echo\n");
	watch(w);
	assert_non_null(strstr(wait_source(w, "paths", SOURCE_STALE)->error, "/ways/worker"));
	assert_null(row(w->paths, "worker"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(good_rows_come),           CASE(links_pipes_and_depths_are_left_alone),
		CASE(one_bad_file_hides_no_others), CASE(a_folder_without_an_end_is_told),
		CASE(an_absent_folder_is_down), CASE(a_runbook_is_read_from_its_folder_only),
		CASE(paths_are_the_carried_ones_and_those_of_the_folder),
		CASE(a_path_lies_in_a_folder_of_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
