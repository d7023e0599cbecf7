/* SPDX-License-Identifier: Apache-2.0 */
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

#include "base/child.h"
#include "base/file.h"
#include "platform/build.h"

struct bench {
	char dir[32], folder[48], dest[48];
};

static void write_file(const struct bench *b, const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0 && file_write_all(fd, text, strlen(text)));
	close(fd);
}

/* Runs one shell line in the folder. */
static void sh(const struct bench *b, const char *line)
{
	const char *argv[] = {"/bin/sh", "-ec", line, NULL};
	static const char *const more[] = {"GIT_AUTHOR_NAME=a",           "GIT_AUTHOR_EMAIL=a@example.org",
					   "GIT_COMMITTER_NAME=a",        "GIT_COMMITTER_EMAIL=a@example.org",
					   "GIT_CONFIG_GLOBAL=/dev/null", NULL};
	char **env = child_env_new(more);
	struct child_start start = {
		.argv = argv, .env = (const char *const *)env, .dir = b->folder, .err = 2};
	struct child child;
	struct child_end end;
	assert_true(child_start(&start, &child, NULL));
	assert_int_equal(child_wait_for(&child, 20000, &end), CHILD_ENDED);
	assert_int_equal(end.status, 0);
	child_env_free(env);
}

static int setup(void **state)
{
	static struct bench b;
	snprintf(b.dir, sizeof(b.dir), "/tmp/fairway-build-XXXXXX");
	if (!mkdtemp(b.dir))
		return -1;
	snprintf(b.folder, sizeof(b.folder), "%s/src", b.dir);
	snprintf(b.dest, sizeof(b.dest), "%s/dest", b.dir);
	*state = &b;
	return mkdir(b.folder, 0700);
}

static int teardown(void **state)
{
	struct bench *b = *state;
	return !build_remove(b->dir, NULL);
}

static bool has(const struct bench *b, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", b->dest, name);
	return !access(path, F_OK);
}

static void check_text(const struct bench *b, const char *name, const char *text)
{
	struct str got = {0};
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", b->dest, name);
	assert_true(file_read(AT_FDCWD, path, 1000, &got, NULL));
	assert_string_equal(str_text(&got), text);
	str_finish(&got);
}

static void without_git(void **state)
{
	struct bench *b = *state;
	struct build_packed one, two;
	struct stat st;
	char path[64];
	write_file(b, "service.yaml", "name: a\n");
	sh(b, "mkdir -p deep/er; echo x >deep/er/f; printf '#!/bin/sh\\n' >run.sh; chmod +x run.sh; ln -s "
	      "deep/er/f in");
	assert_true(build_pack("a", b->folder, NULL, b->dest, &one, NULL));
	assert_int_equal(one.files, 4);
	assert_true(str_starts(one.version, "tree-"));
	assert_string_equal(one.commit, "");
	check_text(b, "deep/er/f", "x\n");
	snprintf(path, sizeof(path), "%s/run.sh", b->dest);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(build_remove(b->dest, NULL));
	assert_true(build_pack("a", b->folder, NULL, b->dest, &two, NULL));
	assert_string_equal(one.version, two.version); /* the same files are the same version */
	assert_true(build_remove(b->dest, NULL));
	write_file(b, "service.yaml", "name: b\n");
	assert_true(build_pack("a", b->folder, NULL, b->dest, &two, NULL));
	assert_string_not_equal(one.version, two.version);
}

static void links_that_lead_out(void **state)
{
	struct bench *b = *state;
	static const char *const targets[] = {"/etc/passwd", "..", "../x", "d/../../x", "d/../../src/x"};
	write_file(b, "f", "x");
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		char path[64];
		struct build_packed packed;
		struct err err;
		snprintf(path, sizeof(path), "%s/link", b->folder);
		assert_int_equal(symlink(targets[i], path), 0);
		assert_false(build_pack("a", b->folder, NULL, b->dest, &packed, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_non_null(strstr(err.text, "leads out of the folder"));
		assert_false(has(b, ""));
		unlink(path);
	}
}

static void devices_refused(void **state)
{
	struct bench *b = *state;
	struct build_packed packed;
	struct err err;
	sh(b, "mkfifo pipe");
	assert_false(build_pack("a", b->folder, NULL, b->dest, &packed,
				&err)); /* and does not wait for a writer */
	assert_int_equal(err.kind, ERR_REFUSED);
}

static void versions_of_git(void **state)
{
	struct bench *b = *state;
	struct build_packed packed;
	struct err err;
	char commit[65];
	sh(b, "git init -q .; echo 1 >f; printf 'ignored\\n' >.gitignore; git add .; git commit -qm one; git "
	      "tag a/1.0.0;"
	      "git tag v7; echo 2 >f; git commit -qam two; echo x >ignored");
	assert_true(build_pack("a", b->folder, NULL, b->dest, &packed, &err));
	assert_true(str_starts(packed.version, "1.0.0-1-g"));
	assert_int_equal(strlen(packed.commit), 40);
	str_copy(commit, sizeof(commit), packed.commit);
	assert_false(has(b, "ignored"));
	assert_false(has(b, ".git"));
	assert_true(build_remove(b->dest, NULL));
	assert_true(
		build_pack("other", b->folder, NULL, b->dest, &packed, &err)); /* a/1.0.0 is not its tag */
	assert_true(str_starts(packed.version, "7-1-g"));
	assert_true(build_remove(b->dest, NULL));
	sh(b, "echo 3 >f");
	assert_true(build_pack("a", b->folder, NULL, b->dest, &packed, &err));
	assert_true(str_ends(packed.version, "-dirty"));
	assert_string_equal(packed.commit, "");
	check_text(b, "f", "3\n");
	static const char *const names[] = {"1.0.0", "7"};
	for (size_t i = 0; i < 2; i++) { /* old versions come out of git, not out of the work tree */
		assert_true(build_remove(b->dest, NULL));
		assert_true(build_pack("a", b->folder, names[i], b->dest, &packed, &err));
		assert_string_equal(packed.version, names[i]);
		check_text(b, "f", "1\n");
	}
	assert_true(build_remove(b->dest, NULL));
	assert_true(build_pack("a", b->folder, commit, b->dest, &packed, &err));
	check_text(b, "f", "2\n");
	assert_string_equal(packed.commit, commit);
}

static void versions_refused(void **state)
{
	struct bench *b = *state;
	struct build_packed packed;
	struct err err;
	static const char *const names[] = {"--output=x", "-x", "a..b", "HEAD^{/x}", "", "/x", "a b", "a\nb"};
	sh(b, "git init -q .; echo 1 >f; git add .; git commit -qm one");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_false(build_pack("a", b->folder, names[i], b->dest, &packed, &err));
		assert_int_equal(err.kind, ERR_USAGE);
	}
	assert_false(build_pack("a", b->folder, "9.9", b->dest, &packed, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_false(build_pack("a", "/nowhere", NULL, b->dest, &packed, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

/* What a repository's own settings would run is not run. */
static void hostile_repository(void **state)
{
	struct bench *b = *state;
	struct build_packed packed;
	struct err err;
	char path[64];
	sh(b, "git init -q .; echo 1 >f; git add .; git commit -qm one; git tag 1.0;"
	      "git config core.fsmonitor 'touch ../ran; false'; git config core.hooksPath .; echo 2 >f");
	assert_true(build_pack("a", b->folder, NULL, b->dest, &packed, &err));
	assert_true(build_remove(b->dest, NULL));
	assert_true(build_pack("a", b->folder, "1.0", b->dest, &packed, &err));
	snprintf(path, sizeof(path), "%s/ran", b->dir);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void answer_read(void **state)
{
	(void)state;
	struct build_packed p;
	assert_true(build_packed_parse("version 1.0\ncommit \ntree abc\n", &p, NULL));
	assert_string_equal(p.version, "1.0");
	assert_string_equal(p.commit, "");
	assert_string_equal(p.tree, "abc");
	assert_false(build_packed_parse("", &p, NULL));
	assert_false(build_packed_parse("version 1.0\n", &p, NULL));
}

#define BUILD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BUILD_TEST(without_git),       BUILD_TEST(links_that_lead_out),
		BUILD_TEST(devices_refused),   BUILD_TEST(versions_of_git),
		BUILD_TEST(versions_refused),  BUILD_TEST(hostile_repository),
		cmocka_unit_test(answer_read),
	};
	return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
