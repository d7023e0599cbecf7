/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/reach.h"

#include <stdlib.h>
#include <string.h>

#include "backend/auth.h"
#include "backend/credential.h"
#include "backend/provider.h"
#include "backend/reach_kube.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct reaches {
	struct loop *loop;
	struct auth *auth;
	struct reach_kubes *kubes;
};
struct reach_wait {
	struct reaches *of;
	const struct config_source *source; /* borrowed; it lives as long as the run that waits */
	struct auth_wait *token;
	struct reach_kube_wait *kube;       /* both NULL: nothing to wait for */
	struct loop_timer timer;
	reach_told *told;
	void *arg;
};

struct reaches *reaches_new(struct loop *loop, struct redact *redact)
{
	struct reaches *r = mem_alloc(sizeof(*r));
	*r = (struct reaches){.loop = loop, .auth = auth_new(loop, redact), .kubes = reach_kubes_new(loop, redact)};
	return r;
}

void reaches_free(struct reaches *r)
{
	if (!r)
		return;
	auth_free(r->auth);
	reach_kubes_free(r->kubes);
	free(r);
}

void reaches_lender(struct reaches *r, void (*deliver)(struct message *, void *), void *arg)
{
	credentials_lender(reach_kubes_credentials(r->kubes), deliver, arg);
}

void reaches_answer(struct reaches *r, const struct terminal_answer *answer)
{
	credentials_answer(reach_kubes_credentials(r->kubes), answer);
}

/* --- by configuration --- */

static void tell_config(struct reach_wait *w, const char *token, const struct err *err)
{
	const struct config_source *source = w->source;
	struct arena arena = {0};
	const struct setting *option = option_find(source->settings, source->n_settings, "socket");
	struct reach reach = {.url = source->url ? source->url : "http://localhost",
			      .way = {.socket = option ? option->text : NULL, .ca_file = source->ca_file}};
	if (str_starts(reach.url, "unix:")) {
		reach.way.socket = reach.url + strlen("unix:");
		reach.url = "http://localhost";
	}
	if (str_ends(reach.url, "/"))
		reach.url = arena_dup_n(&arena, reach.url, strlen(reach.url) - 1);
	if (token && source->token.header)
		reach.secret = (struct header){source->token.header, token};
	else if (token)
		reach.secret = (struct header){"Authorization", arena_printf(&arena, "Bearer %s", token)};
	w->told(err ? NULL : &reach, err, w->arg);
	if (token && !source->token.header)
		explicit_bzero((char *)reach.secret.value, strlen(reach.secret.value));
	arena_finish(&arena);
	free(w);
}

static void on_token(const char *token, const struct err *err, void *arg)
{
	tell_config(arg, token, err);
}

static void on_no_token(void *arg)
{
	tell_config(arg, NULL, NULL);
}

/* --- by kubeconfig --- */

static void on_kube(const struct reach *reach, const struct err *err, void *arg)
{
	struct reach_wait *w = arg;
	w->told(reach, err, w->arg);
	free(w);
}

/* --- life of a wait --- */

struct reach_wait *reach_ask(struct reaches *r, const struct config_source *source, reach_told *told,
			     void *arg)
{
	struct reach_wait *w = mem_alloc(sizeof(*w));
	*w = (struct reach_wait){.of = r, .source = source, .told = told, .arg = arg};
	if (source->provider->reach == REACH_KUBECONFIG)
		w->kube = reach_kube_ask(r->kubes, source, on_kube, w);
	else if (source->token.from == TOKEN_NONE)
		loop_timer_set(r->loop, &w->timer, 0, on_no_token, w);
	else
		w->token = auth_ask(r->auth, &source->token, on_token, w);
	return w;
}

void reach_cancel(struct reach_wait *w)
{
	if (!w)
		return;
	auth_cancel(w->token);
	reach_kube_cancel(w->kube);
	loop_timer_clear(w->of->loop, &w->timer);
	free(w);
}

bool reach_refused(struct reaches *r, const struct config_source *source, uint64_t serial)
{
	if (source->provider->reach == REACH_KUBECONFIG)
		return reach_kube_refused(r->kubes, serial);
	return source->token.from != TOKEN_NONE && auth_refused(r->auth, &source->token);
}
