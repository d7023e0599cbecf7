/* SPDX-License-Identifier: Apache-2.0 */
/* fairway platform and fairway demo. */
#include "cli/platform.h"

#include <cJSON.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/config.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/session.h"

#define RAISE_MS 15000  /* until a daemon that was started answers */
#define LOWER_MS 30000  /* until its services have ended */
#define SAMPLE_MS 120000 /* until the sample stands: it is built and deployed for real */
#define READY_MS 15000 /* until what ran before it was raised is ready again; then it is told as it is */
#define TICK_MS 300

struct info { /* a copy of struct platform_info */
	bool is_known;
	int64_t pid, keeper_pid, started_at, done, total;
	struct arena arena;
	const char *name, *version, *folder, *socket;
};

static void copy_info(const struct message *m, void *arg)
{
	struct info *i = arg;
	const struct platform_info *p = &m->info;
	if (m->kind != MESSAGE_INFO)
		return;
	*i = (struct info){.is_known = true, .pid = p->pid, .keeper_pid = p->keeper_pid, .started_at = p->started_at,
	                   .done = p->raising_done, .total = p->raising_total, .arena = i->arena};
	i->name = arena_dup(&i->arena, p->name);
	i->version = arena_dup(&i->arena, p->version);
	i->folder = arena_dup(&i->arena, p->folder);
	i->socket = arena_dup(&i->arena, p->socket);
}

static bool ask_info(struct cli *cli, struct info *info, struct err *err)
{
	info->is_known = false;
	if (!session_ask(cli->session, request_new(REQUEST_INFO), SESSION_PATIENCE_MS, copy_info, info, err))
		return false;
	return info->is_known || err_set(err, ERR_UNREACHABLE, "the platform told nothing about itself");
}

bool platform_raise(struct cli *cli, struct err *err)
{
	if (!cli->config->context->platform_root)
		return err_set(err, ERR_USAGE, "context %s has no platform of its own; --context local has",
		               cli->config->context->name);
	/* A daemon that is there and does not answer is not started anew; one that is absent tells so at once. */
	int64_t began = clock_mono_ms();
	if (!session_watch(cli->session, 0, err))
		return false;
	if (!session_check(cli->session, err) && clock_mono_ms() - began >= SESSION_PATIENCE_MS - TICK_MS)
		return false;
	return session_ask(cli->session, request_new(REQUEST_RAISE), RAISE_MS, NULL, NULL, err);
}

bool platform_need(struct cli *cli, struct err *err)
{
	if (!cli->config->context->platform_root)
		return true;
	if (cli->args->image)
		return err_set(err, ERR_USAGE, "--image is for services on a cluster; context %s runs them on this machine",
		               cli->config->context->name);
	return platform_raise(cli, err);
}

/* Waits until a process that is not our child has ended. */
static bool wait_gone(struct session *s, pid_t pid, int64_t deadline, struct err *err)
{
	int fd = pid > 0 ? child_pidfd(pid) : -1;
	bool is_gone = fd < 0;
	while (!is_gone) {
		struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = session_signal_fd(s), .events = POLLIN}};
		int64_t left = deadline - clock_mono_ms();
		if (left <= 0 || (poll(fds, 2, (int)left) > 0 && fds[1].revents && session_signalled(s, err)))
			break;
		is_gone = fds[0].revents;
	}
	if (fd >= 0)
		close(fd);
	if (!is_gone && clock_mono_ms() >= deadline)
		err_set(err, ERR_FAILED, "process %d of the platform has not ended; see its daemon.log", (int)pid);
	return is_gone;
}

/* Whether instances may live there although no daemon answers: then one is started to end them. */
static bool has_slots(const char *root)
{
	struct str slots = {0};
	struct stat st;
	str_addf(&slots, "%s/slots", root);
	bool is_there = stat(str_text(&slots), &st) == 0 && st.st_nlink > 2;
	str_finish(&slots);
	return is_there;
}

bool platform_lower(struct cli *cli, bool *was_up, struct err *err)
{
	struct info info = {0};
	struct err asked = {0};
	const char *root = cli->config->context->platform_root;
	bool is_up = root && ask_info(cli, &info, &asked);
	if (root && !is_up && asked.kind == ERR_UNREACHABLE && has_slots(root))
		is_up = platform_raise(cli, &asked) && ask_info(cli, &info, &asked);
	else if (root && !is_up && asked.kind == ERR_UNREACHABLE)
		asked.kind = ERR_NONE; /* nothing runs: that is what was asked for */
	*was_up = is_up;
	bool is_done = !is_up && asked.kind == ERR_NONE;
	if (!is_up && !is_done)
		*err = asked;
	if (is_up) {
		int64_t deadline = clock_mono_ms() + LOWER_MS;
		is_done = session_ask(cli->session, request_shutdown(true), LOWER_MS, NULL, NULL, err) &&
		          wait_gone(cli->session, (pid_t)info.pid, deadline, err) &&
		          wait_gone(cli->session, (pid_t)info.keeper_pid, deadline, err);
	}
	arena_finish(&info.arena);
	return is_done;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

/* The state folder is ours alone (0700), so that names cannot be swapped underneath. */
static bool remove_state(const char *root, struct err *err)
{
	struct stat st;
	if (lstat(root, &st) != 0)
		return errno == ENOENT || err_errno(err, ERR_FAILED, errno, "cannot look at %s", root);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return err_set(err, ERR_REFUSED, "%s is not a folder of yours; it was left as it is", root);
	if (nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		return err_errno(err, ERR_FAILED, errno, "cannot remove %s", root);
	return true;
}

static int do_status(struct cli *cli)
{
	return read_status(cli);
}

static int do_down(struct cli *cli)
{
	struct err err = {0};
	bool was_up;
	if (!platform_lower(cli, &was_up, &err))
		return cli_fail(cli, &err);
	cli_tell(cli, was_up ? "%s: stopped, no process of it is left" : "%s: it was not running",
	         cli->config->context->name);
	return 0;
}

/* Follows the daemon while it raises the sample. While it does, an answer may be late. */
static bool wait_raised(struct cli *cli, struct err *err)
{
	struct info info = {0};
	int64_t deadline = clock_mono_ms() + SAMPLE_MS, told = RECORD_NONE;
	bool is_up = false;
	while (!is_up) {
		bool is_told = ask_info(cli, &info, err);
		if (!is_told && err->kind != ERR_UNREACHABLE)
			break;
		is_up = is_told && (info.total == RECORD_NONE || info.done >= info.total);
		if (is_told && !is_up && info.done != told)
			cli_tell(cli, "raising %" PRId64 "/%" PRId64, info.done, info.total);
		if (is_told)
			told = info.done;
		if (!is_up && clock_mono_ms() >= deadline) {
			err_set(err, ERR_FAILED, "the sample does not stand after %d s; fairway --context demo events tells why",
			        SAMPLE_MS / 1000);
			break;
		}
		if (!is_up && !session_pause(cli->session, TICK_MS, err))
			break;
	}
	arena_finish(&info.arena);
	return is_up;
}

static size_t count_unready(const struct session *s, size_t *all)
{
	struct rows rows;
	size_t n = 0;
	rows_find(s, RECORD_PLACEMENT, NULL, &rows);
	*all = rows.n;
	for (size_t i = 0; i < rows.n; i++) {
		const struct placement *p = rows.items[i];
		n += p->ready < p->desired;
	}
	rows_finish(&rows);
	return n;
}

/* What ran when the machine went down is begun anew with the platform: told at once, all of it would read as failing. */
static bool wait_ready(struct cli *cli, struct err *err)
{
	int64_t deadline = clock_mono_ms() + READY_MS;
	size_t all, told = 0;
	while (session_read(cli->session, REQUEST_KIND(RECORD_PLACEMENT), 0, err)) {
		size_t n = count_unready(cli->session, &all);
		if (!n || clock_mono_ms() >= deadline)
			return true;
		if (n != told)
			cli_tell(cli, "ready %zu/%zu", all - n, all);
		told = n;
		if (!session_pause(cli->session, TICK_MS, err))
			break;
	}
	return false;
}

static int do_up(struct cli *cli)
{
	struct err err = {0};
	if (!platform_raise(cli, &err) || !wait_raised(cli, &err) || !wait_ready(cli, &err))
		return cli_fail(cli, &err);
	return read_status(cli);
}

static int do_reset(struct cli *cli)
{
	struct err err = {0};
	bool was_up;
	const char *root = cli->config->context->platform_root;
	if (!platform_lower(cli, &was_up, &err) || !remove_state(root, &err))
		return cli_fail(cli, &err);
	cli_tell(cli, "%s: started over", cli->config->context->name);
	return do_up(cli);
}

enum { WORD_ASKS = 1, WORD_NOT_DEMO = 2 };
static const struct {
	const char *word;
	unsigned flags;
	int (*run)(struct cli *);
	const char *question;
} words[] = {
	{"up", 0, do_up, NULL},
	{"down", WORD_ASKS, do_down, "This stops every service of the platform. Go on? [y/N] "},
	{"reset", WORD_ASKS, do_reset, "This stops every service and deletes all releases, logs and history. Go on? [y/N] "},
	{"status", 0, do_status, NULL},
	{"install", WORD_NOT_DEMO, platform_install, NULL},
};

static bool is_confirmed(struct cli *cli, const char *question, struct err *err)
{
	char answer[16];
	if (cli->args->yes)
		return true;
	if (!cli->is_terminal || cli->args->output == OUTPUT_JSON)
		return err_set(err, ERR_REFUSED, "not confirmed, nothing was done; confirm with: --yes");
	if (!ask_line(cli, question, answer, sizeof(answer), err))
		return false;
	return str_eq(answer, "y") || str_eq(answer, "yes") ||
	       err_set(err, ERR_REFUSED, "not confirmed; nothing was changed");
}

static int run_word(struct cli *cli, const char *word, bool is_demo)
{
	struct err err = {0};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!str_eq(word, words[i].word) || (is_demo && words[i].flags & WORD_NOT_DEMO))
			continue;
		if (!session_open(cli, is_demo ? "demo" : NULL, &err))
			return cli_fail(cli, &err);
		if (!cli->config->context->platform_root)
			return cli_refuse(cli, ERR_USAGE, "context %s has no platform of its own",
			                  cli->config->context->name);
		if (!is_demo && words[i].flags & WORD_ASKS && !is_confirmed(cli, words[i].question, &err))
			return cli_fail(cli, &err);
		return words[i].run(cli);
	}
	return cli_refuse(cli, ERR_USAGE, "\"%s\" is not one of %s", word, cli->verb->shape);
}

int write_platform(struct cli *cli)
{
	return run_word(cli, cli->args->words[0], false);
}

int write_demo(struct cli *cli)
{
	if (cli->args->n_words)
		return run_word(cli, cli->args->words[0], true);
	if (cli->is_terminal && isatty(STDOUT_FILENO)) {
		cli->args->context = "demo";
		cli->wants_console = true;
		return 0;
	}
	cli_tell(cli, "no terminal: the demo is raised, and told as text; fairway demo opens the console in a terminal");
	return run_word(cli, "up", true);
}
