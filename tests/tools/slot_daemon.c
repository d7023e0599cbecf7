/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least daemon that keeps slots alive, for tests/crash/kill.sh: keeper, shim and slots are the real ones.
 *   slot_daemon --keeper STATE   as fairway does it
 *   slot_daemon --daemon STATE   adopts, keeps the slots of SLOT_DAEMON_SLOTS ("a b c") running the command
 *                                SLOT_DAEMON_ARGS. STATE/stop tells it to stop them and end; when it holds
 *                                "idle", to start only what never ran, and to end once nothing runs
 *   slot_daemon --logs STATE     every line of every slot, merged, as `kind slot text`
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "platform/keeper.h"
#include "platform/log_read.h"
#include "platform/shim.h"
#include "platform/slot.h"

#define WORDS_MAX 32

struct daemon {
	struct reactor *reactor;
	struct place place;
	struct slots *slots;
	size_t running;
	bool is_stopping, is_idle_end;
	struct log *log;
};

static size_t split(char *text, char *words[WORDS_MAX])
{
	size_t n = 0;
	char *rest = text;
	for (char *w; n < WORDS_MAX - 1 && (w = strsep(&rest, " "));)
		if (*w)
			words[n++] = w;
	words[n] = NULL;
	return n;
}

static void start_slot(struct daemon *d, const char *id)
{
	struct err err = {0};
	char *args = mem_dup(getenv("SLOT_DAEMON_ARGS")), *words[WORDS_MAX], *journal = NULL;
	split(args, words);
	struct str pair = {0};
	str_addf(&pair, "COUNTING_JOURNAL=%s/journal-%s", d->place.root, id);
	journal = str_detach(&pair);
	const char *const more[] = {journal, NULL};
	char **env = child_env_new(more);
	struct slot_spec spec = {.id = id, .dir = d->place.root, .argv = (const char *const *)words,
	                         .env = (const char *const *)env};
	if (!slot_start(d->slots, &spec, &err))
		log_line(d->log, LOG_ERROR, "%s", err.text);
	child_env_free(env);
	free(journal);
	free(args);
}

static void on_exited(const char *id, const struct slot_exit *e, void *arg)
{
	struct daemon *d = arg;
	(void)e;
	if (!d->is_stopping && !d->is_idle_end)
		start_slot(d, id);
}

static void count_living(const struct slot_info *info, void *arg)
{
	struct daemon *d = arg;
	if (info->phase == SLOT_STARTING || info->phase == SLOT_RUNNING || info->phase == SLOT_STOPPING) {
		d->running++;
		if (d->is_stopping)
			slot_stop(d->slots, info->id, 500, NULL);
	}
}

static void look_for_stop(void *arg)
{
	struct daemon *d = arg;
	struct str stop = {0};
	if (file_read(d->place.root_fd, "stop", 16, &stop, NULL)) {
		d->is_idle_end = str_eq(stop.s, "idle");
		d->is_stopping = !d->is_idle_end;
	}
	str_finish(&stop);
	d->running = 0;
	if (d->is_stopping || d->is_idle_end)
		slots_each(d->slots, count_living, d);
	if ((d->is_stopping || d->is_idle_end) && d->running == 0)
		reactor_stop(d->reactor);
}

static void start_missing(struct daemon *d)
{
	char *ids = mem_dup(getenv("SLOT_DAEMON_SLOTS")), *words[WORDS_MAX];
	size_t n = split(ids, words);
	for (size_t i = 0; i < n; i++) {
		struct slot_info info;
		if (!slot_info(d->slots, words[i], &info) || info.phase == SLOT_EMPTY ||
		    (info.phase == SLOT_EXITED && !d->is_idle_end))
			start_slot(d, words[i]);
	}
	free(ids);
}

static int run_daemon(const char *root)
{
	struct err err = {0};
	struct daemon d = {.log = log_on(STDERR_FILENO, "daemon"), .reactor = reactor_new(&err)};
	const struct slots_events events = {.exited = on_exited};
	int lock = d.reactor && place_open(&d.place, root, &err)
	                   ? place_lock(&d.place, "daemon.lock", 200, &err)
	                   : -1;
	const char *size = getenv("SLOT_DAEMON_FILE_BYTES");
	struct slots_config config = {
		.log = d.log, .log_file_bytes = size ? atoll(size) : 0, .log_files = 1000000};
	if (lock >= 0)
		d.slots = slots_new(d.reactor, &d.place, &config, &events, &d, &err);
	if (!d.slots || !slots_adopt(d.slots, &err)) {
		log_line(d.log, LOG_ERROR, "%s", err.text);
		return 1;
	}
	look_for_stop(&d);
	start_missing(&d);
	struct reactor_timer *look = reactor_timer_add(d.reactor, 20, 20, look_for_stop, &d);
	reactor_run(d.reactor);
	reactor_timer_remove(look);
	slots_free(d.slots);
	reactor_free(d.reactor);
	place_close(&d.place);
	log_free(d.log);
	close(lock);
	return 0;
}

static void add_slot(const char *id, void *arg)
{
	log_read_add(arg, id, NULL);
}

static int print_logs(const char *root)
{
	static const char *const kinds[] = {"text", "start", "exit", "gap"};
	struct err err = {0};
	struct place place;
	struct slot_line line;
	if (!place_open(&place, root, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	struct log_read *r = log_read_new(&place);
	slot_ids_each(&place, add_slot, r);
	while (log_read_next(r, &line))
		printf("%s %s %s\n", kinds[line.kind], line.slot, line.text);
	log_read_free(r);
	place_close(&place);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--daemon") == 0)
		return run_daemon(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--logs") == 0)
		return print_logs(argv[2]);
	if (argc >= 3 && strcmp(argv[1], "--keeper") == 0)
		return keeper_main(argc - 2, argv + 2);
	if (argc >= 3 && strcmp(argv[1], "--shim") == 0)
		return shim_main(argc - 2, argv + 2);
	fprintf(stderr, "usage: slot_daemon --keeper|--daemon|--logs STATE\n");
	return 2;
}
