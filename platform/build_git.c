/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/build_git.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/version.h"

enum { ARGS_MAX = 24, OUTPUT_MAX = 16 << 20, GIT_WAIT_MS = 60000 };

/* args: NULL-ended. Standard error goes nowhere: what git says there is put in our own words. */
static bool git_start(const char *folder, const char *const *args, int in, int out, struct child *child,
		      struct err *err)
{
	static const char *const more[] = {"GIT_TERMINAL_PROMPT=0",
					   "GIT_CEILING_DIRECTORIES=/", NULL};
	const char *argv[VERSION_GIT_WORDS + ARGS_MAX + 1] = {VERSION_GIT};
	size_t n = VERSION_GIT_WORDS;
	for (; *args && n < VERSION_GIT_WORDS + ARGS_MAX; args++)
		argv[n++] = *args;
	argv[n] = NULL;
	char **env = child_env_new(more);
	struct child_start start = {
		.argv = argv, .env = (const char *const *)env, .dir = folder, .in = in, .out = out};
	bool is_started = child_start(&start, child, err);
	child_env_free(env);
	return is_started;
}

static bool read_all(int fd, size_t max, struct str *out)
{
	char bytes[16384];
	for (;;) {
		ssize_t n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		if (out->len + (size_t)n > max)
			return false;
		str_addn(out, bytes, (size_t)n);
	}
}

/* Runs git to its end and gives what it printed. *status is its exit status. false: it could not be run. */
static bool git_ask(const char *folder, const char *const *args, struct str *out, int *status,
		    struct err *err)
{
	struct child child;
	struct child_end end;
	int ends[2];
	str_reset(out);
	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, ERR_FAILED, errno, "no pipe for git");
	bool is_started = git_start(folder, args, 0, ends[1], &child, err);
	close(ends[1]);
	bool is_whole = is_started && read_all(ends[0], OUTPUT_MAX, out);
	close(ends[0]);
	if (!is_started)
		return false;
	if (!is_whole)
		child_signal_session(&child, 9);
	if (child_wait_for(&child, GIT_WAIT_MS, &end) != CHILD_ENDED || !is_whole)
		return err_set(err, ERR_FAILED, "git %s in %s gave no whole answer", args[0], folder);
	*status = end.status;
	return true;
}

static void line_trim(struct str *s)
{
	while (s->len && (s->s[s->len - 1] == '\n' || s->s[s->len - 1] == '\r'))
		s->s[--s->len] = '\0';
}

bool git_has_work_tree(const char *folder)
{
	static const char *const args[] = {"rev-parse", "--is-inside-work-tree", NULL};
	struct str out = {0};
	int status;
	bool is_there = git_ask(folder, args, &out, &status, NULL) && status == 0 &&
			str_starts(str_text(&out), "true");
	str_finish(&out);
	return is_there;
}

static bool commit_name(const char *service, const char *folder, const char *commit, struct str *name)
{
	struct arena a = {0};
	struct str out = {0};
	bool is_found = false;
	int status;
	for (size_t i = 0; i < VERSION_QUESTIONS && !is_found; i++) {
		const char *args[VERSION_WORDS];
		version_question(i, service, commit, &a, args);
		is_found = git_ask(folder, args, &out, &status, NULL) && status == 0;
	}
	str_reset(name);
	if (is_found)
		str_add(name, version_answer(service, str_text(&out), out.len, &a));
	str_finish(&out);
	arena_finish(&a);
	return is_found;
}

static bool commit_resolve(const char *folder, const char *what, struct str *commit)
{
	char full[300];
	int status;
	snprintf(full, sizeof(full), "%s^{commit}", what);
	const char *args[] = {"rev-parse", "--verify", "--quiet", "--end-of-options", full, NULL};
	bool is_found = git_ask(folder, args, commit, &status, NULL) && status == 0;
	line_trim(commit);
	return is_found && commit->len >= 40;
}

static bool is_clean(const char *folder)
{
	/* A change elsewhere in a repository of many services does not make this one dirty. */
	static const char *const changed[] = {"diff-index", "--quiet", "HEAD", "--", ".", NULL};
	static const char *const refresh[] = {"update-index", "-q", "--refresh", NULL};
	static const char *const others[] = {"ls-files", "-z", "--others", "--exclude-standard", NULL};
	struct str out = {0};
	int status = 1;
	git_ask(folder, refresh, &out, &status, NULL);
	bool is_same = git_ask(folder, changed, &out, &status, NULL) && status == 0;
	is_same = is_same && git_ask(folder, others, &out, &status, NULL) && status == 0 && !out.len;
	str_finish(&out);
	return is_same;
}

bool git_version_now(const char *service, const char *folder, struct str *version, struct str *commit,
		     bool *is_dirty, struct err *err)
{
	*is_dirty = !is_clean(folder);
	if (!commit_resolve(folder, "HEAD", commit) || !commit_name(service, folder, commit->s, version))
		return err_set(err, ERR_NOT_FOUND, "%s: this git repository has no commit yet", folder);
	if (*is_dirty)
		str_add(version, "-dirty");
	return true;
}

bool git_version_find(const char *service, const char *folder, const char *version, struct str *commit,
		      struct str *name, struct err *err)
{
	struct str ref = {0};
	for (int form = 0; form < 3; form++) {
		str_reset(&ref);
		str_addf(&ref, "refs/tags/%s%s%s",
			 form == 0   ? service
			 : form == 1 ? "v"
				     : "",
			 form ? "" : "/", version);
		if (!commit_resolve(folder, ref.s, commit))
			continue;
		str_reset(name);
		str_add(name, version);
		str_finish(&ref);
		return true;
	}
	str_finish(&ref);
	bool is_hex = strlen(version) >= 4 && strspn(version, "0123456789abcdef") == strlen(version);
	if (is_hex && commit_resolve(folder, version, commit) &&
	    commit_name(service, folder, commit->s, name))
		return true;
	return err_set(
		err, ERR_NOT_FOUND,
		"%s has no version %s: neither a kept release nor a tag %s/%s, v%s, %s nor a commit in %s",
		service, version, service, version, version, version, folder);
}

static bool list(const char *folder, const char *const *args, struct str *out, struct err *err)
{
	int status;
	if (!git_ask(folder, args, out, &status, err))
		return false;
	return status == 0 || err_set(err, ERR_FAILED, "git cannot list the files of %s", folder);
}

bool git_list_now(const char *folder, struct str *names, struct err *err)
{
	static const char *const args[] = {
		"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", NULL};
	return list(folder, args, names, err);
}

bool git_list_commit(const char *folder, const char *commit, struct str *entries, struct err *err)
{
	const char *args[] = {"ls-tree", "-r", "-z", commit, NULL};
	return list(folder, args, entries, err);
}

bool git_objects_open(struct git_objects *g, const char *folder, struct err *err)
{
	static const char *const args[] = {"cat-file", "--batch", NULL};
	int to[2], from[2];
	if (pipe2(to, O_CLOEXEC))
		return err_errno(err, ERR_FAILED, errno, "no pipe for git");
	if (pipe2(from, O_CLOEXEC)) {
		close(to[0]);
		close(to[1]);
		return err_errno(err, ERR_FAILED, errno, "no pipe for git");
	}
	bool is_started = git_start(folder, args, to[0], from[1], &g->child, err);
	close(to[0]);
	close(from[1]);
	g->in = to[1];
	g->out = from[0];
	if (is_started)
		return true;
	close(g->in);
	close(g->out);
	return false;
}

static bool read_exactly(int fd, char *bytes, size_t len)
{
	while (len) {
		ssize_t n = read(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

bool git_objects_read(struct git_objects *g, const char *object, size_t max, struct str *out, struct err *err)
{
	char line[128];
	size_t n = 0;
	unsigned long long size;
	str_reset(out);
	if (!file_write_all(g->in, object, strlen(object)) || !file_write_all(g->in, "\n", 1))
		return err_errno(err, ERR_FAILED, errno, "git takes no more questions");
	while (n < sizeof(line) - 1 && read_exactly(g->out, line + n, 1) && line[n] != '\n')
		n++;
	line[n] = '\0';
	if (sscanf(line, "%*s blob %llu", &size) != 1)
		return err_set(err, ERR_FAILED, "git has no content for %s", object);
	if (size > max)
		return err_set(err, ERR_REFUSED, "a file of this version is larger than what may be kept");
	str_reserve(out, (size_t)size + 1);
	if (!read_exactly(g->out, out->s, (size_t)size + 1))
		return err_set(err, ERR_FAILED, "git broke off in the content of %s", object);
	out->len = (size_t)size; /* the newline behind it is git's */
	out->s[size] = '\0';
	return true;
}

void git_objects_close(struct git_objects *g)
{
	struct child_end end;
	close(g->in);
	close(g->out);
	if (child_wait_for(&g->child, GIT_WAIT_MS, &end) == CHILD_RUNS)
		child_signal_session(&g->child, 9);
}
