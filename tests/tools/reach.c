/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a cluster for paths, one after the other, by a kubeconfig, through the host of queries as a provider would:
 *	reach [--post] [--insecure-writes] FILE CONTEXT PATH…      "-" for FILE or CONTEXT: unsaid
 * A credential plugin is approved as soon as that is asked. Prints for each "200 scope=NAMESPACE who=USER" and the body, or "error KIND: sentence". "wait MS" as a path waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/loop.h"
#include "backend/message.h"
#include "backend/provider.h"
#include "backend/redact.h"
#include "backend/world.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

static const char *path, *method;
static bool is_over;

static void on_input(void *state, struct run *r, const struct input *in)
{
	(void)state;
	if (in->kind == INPUT_START)
		run_ask(r, &(struct ask){.path = path, .method = method, .is_write = method != NULL, .framing = FRAME_BODY});
	if (in->kind == INPUT_UNIT)
		printf("%d scope=%s who=%s\n%.*s\n", in->status, run_scope(r) ? run_scope(r) : "-",
		       run_who(r) ? run_who(r) : "-", (int)in->len, in->data);
	if (in->kind == INPUT_FAIL)
		run_done(r, in->err);
	if (in->kind == INPUT_END)
		run_done(r, NULL);
}

static void on_ended(struct run *r, const struct err *err, void *arg)
{
	(void)r;
	struct redact *redact = arg;
	struct err clean = *err;
	redact_err(redact, &clean);
	if (err->kind)
		printf("error %s: %s\n", err_kind_name(err->kind), clean.text);
	is_over = true;
}

static uint64_t asked; /* ticket of a plugin that is to be approved */

static void on_terminal(struct message *m, void *arg)
{
	(void)arg;
	asked = m->terminal.approve ? m->terminal.ticket : 0;
	message_free(m);
}

static void deliver(struct message *m, void *arg)
{
	(void)arg;
	message_free(m);
}

static void ask(struct world *world, const struct config_source *source, struct redact *redact)
{
	static const struct query query = {.name = "reach", .serves = REQUEST_INFO, .size = 1, .on = on_input};
	struct request *request = request_new(REQUEST_INFO);
	struct io io;
	world_io(world, &io);
	struct run *run = run_new(&(struct run_wish){.io = &io, .source = source, .query = &query, .request = request,
						     .ended = on_ended, .arg = redact});
	is_over = false;
	run_start(run);
	while (!is_over) {
		loop_step(world->loop, 1000);
		if (asked)
			reaches_answer(world->reaches, &(struct terminal_answer){.ticket = asked});
		asked = 0;
	}
	run_free(run);
	request_free(request);
	fflush(stdout);
}

static void wait_ms(struct loop *loop, int ms)
{
	for (int64_t until = clock_mono_ms() + ms; clock_mono_ms() < until;)
		loop_step(loop, (int)(until - clock_mono_ms()));
}

int main(int argc, char **argv)
{
	struct err err;
	bool may_write = false;
	while (argc > 1 && str_starts(argv[1], "--")) {
		if (str_eq(argv[1], "--post"))
			method = "POST";
		may_write = may_write || str_eq(argv[1], "--insecure-writes");
		argv++;
		argc--;
	}
	if (argc < 4 || !http_set_up(&err))
		return 2;
	const struct provider *p = provider_find("kubernetes");
	struct setting settings[16];
	option_read(&(struct yaml){0}, NULL, p->options, p->n_options, settings);
	for (size_t i = 0; i < p->n_options; i++) {
		if (str_eq(p->options[i].name, "kubeconfig"))
			settings[i].text = str_eq(argv[1], "-") ? NULL : argv[1];
		if (str_eq(p->options[i].name, "context"))
			settings[i].text = str_eq(argv[2], "-") ? NULL : argv[2];
		if (str_eq(p->options[i].name, "insecure-writes"))
			settings[i].number = may_write;
	}
	struct config_source source = {.name = "prod/deploys", .role = "deploys", .provider = p, .settings = settings,
	                               .n_settings = p->n_options};
	struct loop *loop = loop_new(&err);
	struct redact *redact = redact_new();
	struct world world = {.loop = loop, .reaches = reaches_new(loop, redact), .deliver = deliver};
	reaches_lender(world.reaches, on_terminal, NULL);
	for (int i = 3; i < argc; i++) {
		path = argv[i];
		if (str_starts(path, "wait "))
			wait_ms(loop, atoi(path + 5));
		else
			ask(&world, &source, redact);
	}
	reaches_free(world.reaches);
	redact_free(redact);
	loop_free(loop);
	return 0;
}
