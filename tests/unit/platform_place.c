/* SPDX-License-Identifier: Apache-2.0 */
/* Where a platform lives: base/place, platform/place, base/file, base/log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/place.h"
#include "platform/place.h"
#include "tests/support/scratch.h"

static int setup(void **state)
{
	*state = scratch_new();
	return 0;
}

static int teardown(void **state)
{
	umask(022);
	scratch_remove(*state);
	return 0;
}

static char *below(const char *root, const char *name)
{
	struct str s = {0};
	str_addf(&s, "%s/%s", root, name);
	return str_detach(&s);
}

static unsigned mode_of(int dir, const char *name)
{
	struct stat st;
	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static void roots_follow_the_variables(void **state)
{
	(void)state;
	struct err err;
	setenv("HOME", "/home/me", 1);
	unsetenv("FAIRWAY_STATE_DIR");
	unsetenv("XDG_STATE_HOME");
	static const struct {
		const char *name, *value, *want;
	} rows[] = {
		{"HOME", "/home/me", "/home/me/.local/state/fairway/demo"},
		{"XDG_STATE_HOME", "relative", "/home/me/.local/state/fairway/demo"},
		{"XDG_STATE_HOME", "/xdg", "/xdg/fairway/demo"},
		{"FAIRWAY_STATE_DIR", "/mine//", "/mine/demo"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv(rows[i].name, rows[i].value, 1);
		char *root = place_root("demo", &err);
		assert_string_equal(root, rows[i].want);
		free(root);
	}
	setenv("FAIRWAY_STATE_DIR", "mine", 1);
	assert_null(place_root("demo", &err));
	assert_non_null(strstr(err.text, "FAIRWAY_STATE_DIR"));
	unsetenv("FAIRWAY_STATE_DIR");
	unsetenv("XDG_STATE_HOME");
}

static void long_sockets_move_to_tmp(void **state)
{
	(void)state;
	char root[200];
	const size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);
	memset(root, 'x', sizeof(root));
	root[0] = '/';
	root[room - 1 - strlen("/api.sock")] = '\0';
	char *fits = place_socket(root);
	assert_int_equal(strlen(fits), room - 1);
	root[strlen(root)] = 'x';
	root[room - strlen("/api.sock")] = '\0';
	char *moved = place_socket(root), *again = place_socket(root);
	assert_true(str_starts(moved, "/tmp/fairway-"));
	assert_string_equal(moved, again);
	root[1] = 'y';
	char *other = place_socket(root);
	assert_string_not_equal(moved, other);
	free(fits);
	free(moved);
	free(again);
	free(other);
}

static void everything_is_private(void **state)
{
	struct place p;
	char *root = below(*state, "a/b/demo");
	umask(0);
	assert_true(place_open(&p, root, NULL));
	static const char *const folders[] = {".", "slots", "releases", "builds", "relay"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		assert_int_equal(mode_of(p.root_fd, folders[i]), 0700);
	assert_int_equal(strlen(p.boot_id), 36);
	assert_true(file_replace(p.root_fd, "x", "text", 4, true, NULL));
	assert_int_equal(mode_of(p.root_fd, "x"), 0600);
	place_close(&p);
	/* what others could enter is closed to them */
	assert_int_equal(chmod(root, 0777), 0);
	assert_true(place_open(&p, root, NULL));
	assert_int_equal(mode_of(p.root_fd, "."), 0700);
	place_close(&p);
	free(root);
}

static void links_and_strangers_are_refused(void **state)
{
	struct place p;
	struct err err;
	char *real = below(*state, "real"), *link = below(*state, "link");
	assert_int_equal(mkdir(real, 0700), 0);
	assert_int_equal(symlink(real, link), 0);
	assert_false(place_open(&p, link, &err));
	assert_non_null(strstr(err.text, "FAIRWAY_STATE_DIR"));
	assert_false(place_open(&p, "relative", &err));
	assert_int_equal(err.kind, ERR_USAGE);
	if (geteuid() == 0) {
		assert_int_equal(chown(real, 12345, 12345), 0);
		assert_false(place_open(&p, real, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	} else {
		assert_false(place_open(&p, "/", &err));
	}
	free(real);
	free(link);
}

static void a_socket_folder_of_others_is_not_safe(void **state)
{
	struct err err;
	char *folder = below(*state, "open"), *socket = below(*state, "open/api.sock"),
	     *none = below(*state, "no/api.sock");
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_true(place_socket_is_safe(socket, &err));
	assert_int_equal(chmod(folder, 0755), 0);
	assert_false(place_socket_is_safe(socket, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_true(place_socket_is_safe(none, &err));
	free(folder);
	free(socket);
	free(none);
}

static void one_holds_a_lock(void **state)
{
	struct place p;
	struct err err;
	assert_true(place_open(&p, *state, NULL));
	assert_false(place_is_locked(&p, "daemon.lock"));
	int fd = place_lock(&p, "daemon.lock", 0, &err);
	assert_true(fd >= 0);
	assert_true(place_is_locked(&p, "daemon.lock"));
	assert_int_equal(place_lock(&p, "daemon.lock", 20, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	close(fd);
	fd = place_lock(&p, "daemon.lock", 0, &err);
	assert_true(fd >= 0);
	close(fd);
	place_close(&p);
}

static void files_are_replaced_whole(void **state)
{
	struct err err;
	struct str text = {0};
	int dir = file_folder(*state, NULL);
	assert_true(file_replace(dir, "a", "first", 5, false, NULL));
	assert_true(file_replace(dir, "a", "x", 1, false, NULL));
	assert_true(file_read(dir, "a", 100, &text, NULL));
	assert_string_equal(text.s, "x");
	assert_false(file_read(dir, "b", 100, &text, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_true(file_replace(dir, "a", "12345", 5, false, NULL));
	assert_true(file_read(dir, "a", 5, &text, NULL));
	assert_string_equal(text.s, "x12345");
	assert_false(file_read(dir, "a", 4, &text, &err));
	assert_int_equal(symlinkat("a", dir, "l"), 0);
	assert_false(file_read(dir, "l", 100, &text, &err));
	assert_int_equal(mkfifoat(dir, "f", 0600), 0);
	assert_false(file_read(dir, "f", 100, &text, &err)); /* and does not wait for a writer */
	assert_int_equal(faccessat(dir, "a.new", F_OK, 0), -1);
	str_finish(&text);
	close(dir);
}

static void log_lines_are_masked(void **state)
{
	struct str text = {0};
	char *path = below(*state, "log");
	struct log *log = log_new(path, "test", NULL);
	log_line(log, LOG_INFO, "a %s", "\033[31mred\nnext");
	log_line(log, LOG_DEBUG, "not told");
	log_line(NULL, LOG_ERROR, "nowhere");
	log_free(log);
	assert_true(file_read(AT_FDCWD, path, 1000, &text, NULL));
	assert_non_null(strstr(text.s, "] info: a ?[31mred?next\n"));
	assert_null(strstr(text.s, "not told"));
	str_finish(&text);
	free(path);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(roots_follow_the_variables),
		T(long_sockets_move_to_tmp),
		T(everything_is_private),
		T(links_and_strangers_are_refused),
		T(a_socket_folder_of_others_is_not_safe),
		T(one_holds_a_lock),
		T(files_are_replaced_whole),
		T(log_lines_are_masked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
