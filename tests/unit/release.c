/* SPDX-License-Identifier: Apache-2.0 */
/* Releases with a real state, place and loop; the packing child is this very program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "platform/build.h"
#include "platform/daemon.h"
#include "platform/own.h"
#include "platform/place.h"
#include "platform/reactor.h"
#include "platform/release.h"
#include "platform/state.h"

enum { DEADLINE_MS = 20000, WAITERS = 4 };

struct bench {
	char dir[40], folder[64];
	struct place place;
	struct daemon daemon;
	int done;
	int64_t numbers[WAITERS];
	struct err errs[WAITERS];
};

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[160];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0 && file_write_all(fd, text, strlen(text)));
	close(fd);
}

static int setup(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	char root[64];
	snprintf(b->dir, sizeof(b->dir), "/tmp/fairway-release-XXXXXX");
	if (!mkdtemp(b->dir))
		return -1;
	snprintf(b->folder, sizeof(b->folder), "%s/src", b->dir);
	snprintf(root, sizeof(root), "%s/state", b->dir);
	assert_int_equal(mkdir(b->folder, 0700), 0);
	struct err err;
	if (!place_open(&b->place, root, &err))
		fail_msg("%s", err.text);
	b->daemon.place = &b->place;
	b->daemon.reactor = reactor_new(&err);
	b->daemon.state = state_open(root, own_classes, &err);
	if (!b->daemon.state)
		fail_msg("%s", err.text);
	b->daemon.releases = releases_new(&b->daemon, &err);
	assert_true(releases_resume(b->daemon.releases, &err));
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	struct err err;
	releases_free(b->daemon.releases);
	state_close(b->daemon.state);
	reactor_free(b->daemon.reactor);
	place_close(&b->place);
	bool is_removed = build_remove(b->dir, &err);
	if (!is_removed)
		print_error("%s\n", err.text);
	free(b);
	return !is_removed;
}

static void approve(struct bench *b, const char *environment)
{
	struct service_file file;
	struct complaints complaints = {0};
	struct own_approval a;
	char path[96], hash[HASH_HEX];
	snprintf(path, sizeof(path), "%s/service.yaml", b->folder);
	assert_true(service_file_load(&file, path, NULL, &complaints));
	service_file_approval(&file, environment, b->folder, hash);
	record_init(own_class(OWN_APPROVAL), &a);
	a.hash = hash;
	a.service = file.name;
	a.environment = environment;
	a.folder = b->folder;
	assert_true(state_put(b->daemon.state, own_class(OWN_APPROVAL), &a, NULL));
	service_file_finish(&file);
}

static struct bench *current; /* the done callbacks' */
static void built(const struct release *release, const struct err *err, void *arg)
{
	int at = *(int *)arg;
	current->numbers[at] = release ? release->number : 0;
	if (err)
		current->errs[at] = *err;
	current->done++;
}

static int places[WAITERS] = {0, 1, 2, 3};

static struct release_job *want(struct bench *b, const char *version, const char *environment, int at,
				struct err *err)
{
	struct release_wish w = {.service = "shop",
				 .environment = environment,
				 .folder = b->folder,
				 .version = version,
				 .by = "ada",
				 .log = at ? "d2.log" : "d1.log"};
	current = b;
	return release_want(b->daemon.releases, &w, built, &places[at], err);
}

static void turn_until(struct bench *b, int done)
{
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	while (b->done < done) {
		assert_true(clock_mono_ms() < until);
		reactor_turn(b->daemon.reactor, 100);
	}
}

static void build_log(struct bench *b, const char *name, struct str *out)
{
	char *path = place_path(&b->place, "builds/%s", name);
	assert_true(file_read(AT_FDCWD, path, 10000, out, NULL));
	free(path);
}

#define FILE_TEXT "name: shop\nrun: ./run.sh\nbuild: echo hello $FAIRWAY_SERVICE; echo x >made\n"

static void built_once(void **state)
{
	struct bench *b = *state;
	struct str log = {0};
	write_file(b->folder, "service.yaml", FILE_TEXT);
	approve(b, "dev");
	assert_non_null(want(b, NULL, "dev", 0, NULL));
	assert_non_null(want(b, NULL, "dev", 1, NULL)); /* asked for before it began: one build */
	turn_until(b, 2);
	assert_string_equal(b->errs[0].text, "");
	assert_int_equal(b->numbers[0], 1);
	assert_int_equal(b->numbers[1], 1);
	char *folder = release_folder(b->daemon.releases, "shop", 1), path[160];
	snprintf(path, sizeof(path), "%s/made", folder);
	assert_int_equal(access(path, F_OK), 0);
	free(folder);
	build_log(b, "d1.log", &log);
	assert_non_null(strstr(log.s, "hello shop\n"));
	str_finish(&log);
	assert_non_null(want(b, NULL, "dev", 2, NULL)); /* the same files again: that release */
	turn_until(b, 3);
	assert_int_equal(b->numbers[2], 1);
	const struct release *r = release_get(b->daemon.releases, "shop", 1);
	assert_true(str_starts(r->version, "tree-"));
	assert_string_equal(r->by, "ada");
	assert_ptr_equal(release_find(b->daemon.releases, "shop", "#1"), r);
	assert_non_null(want(b, r->version, "dev", 3, NULL)); /* by its version: kept, nothing runs */
	turn_until(b, 4);
	assert_int_equal(b->numbers[3], 1);
}

static void failed_build(void **state)
{
	struct bench *b = *state;
	write_file(b->folder, "service.yaml", "name: shop\nrun: ./run.sh\nbuild: echo the reason; exit 3\n");
	approve(b, "dev");
	assert_non_null(want(b, NULL, "dev", 0, NULL));
	turn_until(b, 1);
	assert_int_equal(b->errs[0].kind, ERR_FAILED);
	assert_non_null(strstr(b->errs[0].text, "status 3"));
	assert_non_null(strstr(b->errs[0].text, "the reason"));
	assert_int_equal(state_count(b->daemon.state, record_class(RECORD_RELEASE)), 0);
}

static void unapproved_runs_nothing(void **state)
{
	struct bench *b = *state;
	struct err err;
	write_file(b->folder, "service.yaml", FILE_TEXT);
	assert_null(want(b, NULL, "dev", 0, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	approve(b, "dev");
	char text[160]; /* approved, then changed */
	snprintf(text, sizeof(text), "name: shop\nrun: ./run.sh\nbuild: touch %s/ran\n", b->dir);
	write_file(b->folder, "service.yaml", text);
	assert_non_null(want(b, NULL, "dev", 0, NULL));
	turn_until(b, 1);
	assert_int_equal(b->errs[0].kind, ERR_REFUSED);
	assert_non_null(strstr(b->errs[0].text, "approve"));
	snprintf(text, sizeof(text), "%s/ran", b->dir);
	assert_int_not_equal(access(text, F_OK), 0);
	write_file(b->folder, "service.yaml", FILE_TEXT);
	assert_non_null(want(b, NULL, "prod", 1, NULL)); /* approved in dev is not approved in prod */
	turn_until(b, 2);
	assert_int_equal(b->errs[1].kind, ERR_REFUSED);
}

static void unknown_version(void **state)
{
	struct bench *b = *state;
	struct err err;
	write_file(b->folder, "service.yaml", FILE_TEXT);
	approve(b, "dev");
	assert_non_null(want(b, "9.9", "dev", 0, NULL));
	turn_until(b, 1);
	assert_int_equal(b->errs[0].kind, ERR_NOT_FOUND);
	assert_null(want(b, "--upload-pack=x", "dev", 0, &err));
	assert_int_equal(err.kind, ERR_USAGE);
}

static void wrong_name(void **state)
{
	struct bench *b = *state;
	write_file(b->folder, "service.yaml", FILE_TEXT);
	approve(b, "dev");
	write_file(b->folder, "service.yaml", "name: other\nrun: ./run.sh\n");
	assert_non_null(want(b, NULL, "dev", 0, NULL));
	turn_until(b, 1);
	assert_int_equal(b->errs[0].kind, ERR_REFUSED);
	assert_non_null(strstr(b->errs[0].text, "about other"));
}

static void cancelled_build_ends(void **state)
{
	struct bench *b = *state;
	char text[200], path[64];
	snprintf(path, sizeof(path), "%s/began", b->dir);
	snprintf(text, sizeof(text), "name: shop\nrun: ./run.sh\nbuild: touch %s; sleep 100 & sleep 100\n",
		 path);
	write_file(b->folder, "service.yaml", text);
	approve(b, "dev");
	struct release_job *job = want(b, NULL, "dev", 0, NULL);
	for (int64_t until = clock_mono_ms() + DEADLINE_MS; access(path, F_OK);) {
		assert_true(clock_mono_ms() < until);
		reactor_turn(b->daemon.reactor, 20);
	}
	release_job_cancel(job);
	reactor_turn(b->daemon.reactor, 0);
	assert_int_equal(b->done, 0);
	write_file(b->folder, "service.yaml", FILE_TEXT);
	approve(b, "dev");
	assert_non_null(want(b, NULL, "dev", 1, NULL)); /* nothing of the first stands in the way */
	turn_until(b, 1);
	assert_int_equal(b->numbers[1], 1);
}

static void bad_and_left_overs(void **state)
{
	struct bench *b = *state;
	char *half = place_path(&b->place, "releases/shop/.making-1");
	char *unwritten = place_path(&b->place, "releases/shop/2");
	write_file(b->folder, "service.yaml", FILE_TEXT);
	approve(b, "dev");
	assert_non_null(want(b, NULL, "dev", 0, NULL));
	turn_until(b, 1);
	assert_true(release_mark_bad(b->daemon.releases, "shop", 1, "it loses orders", NULL));
	assert_true(release_get(b->daemon.releases, "shop", 1)->is_bad);
	assert_string_equal(release_get(b->daemon.releases, "shop", 1)->bad_reason, "it loses orders");
	assert_true(release_mark_bad(b->daemon.releases, "shop", 1, NULL, NULL));
	assert_false(release_get(b->daemon.releases, "shop", 1)->is_bad);
	assert_false(release_mark_bad(b->daemon.releases, "shop", 7, "x", NULL));
	assert_int_equal(mkdir(half, 0700), 0);
	assert_int_equal(mkdir(unwritten, 0700), 0);
	assert_true(releases_resume(b->daemon.releases, NULL));
	assert_int_not_equal(access(half, F_OK), 0);
	assert_int_not_equal(access(unwritten, F_OK), 0);
	char *kept = release_folder(b->daemon.releases, "shop", 1);
	assert_int_equal(access(kept, F_OK), 0);
	free(kept);
	free(half);
	free(unwritten);
}

#define RELEASE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	if (argc > 1 && str_eq(argv[1], "--pack"))
		return build_main(argc - 2, argv + 2);
	const struct CMUnitTest tests[] = {
		RELEASE_TEST(built_once),
		RELEASE_TEST(failed_build),
		RELEASE_TEST(unapproved_runs_nothing),
		RELEASE_TEST(unknown_version),
		RELEASE_TEST(wrong_name),
		RELEASE_TEST(cancelled_build_ends),
		RELEASE_TEST(bad_and_left_overs),
	};
	return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
