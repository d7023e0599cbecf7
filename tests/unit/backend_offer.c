/* SPDX-License-Identifier: Apache-2.0 */
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

#include "backend/config.h"
#include "backend/offer.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/support/scratch.h"

struct world {
	char *dir, file[512];
	struct offer offer;
	struct err err;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	w->dir = scratch_new();
	snprintf(w->file, sizeof(w->file), "%s/kube", w->dir);
	setenv("KUBECONFIG", w->file, 1);
	setenv("HOME", w->dir, 1);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	offer_finish(&w->offer);
	scratch_remove(w->dir);
	free(w);
	return 0;
}

/* A kubeconfig of contexts with these names, the last one NULL; each has a cluster and a user. */
static void contexts(struct world *w, const char *current, const char *const *names)
{
	FILE *f = fopen(w->file, "w");
	assert_non_null(f);
	chmod(w->file, 0600);
	fprintf(f, "clusters: [{name: c, cluster: {server: \"https://192.0.2.1\"}}]\n"
		   "users: [{name: u, user: {token: t}},\n"
		   " {name: x, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never,"
		   " command: sh, args: [-c, login]}}}]\ncurrent-context: \"%s\"\ncontexts:\n", current);
	for (size_t i = 0; names[i]; i++)
		fprintf(f, "- {name: \"%s\", context: {cluster: %s, user: %s}}\n", names[i],
			strstr(names[i], "broken") ? "none" : "c", strstr(names[i], "exec") ? "x" : "u");
	fclose(f);
	offer_finish(&w->offer);
	assert_true(offer_read(&w->offer, NULL, &w->err));
}

static const char *named(const struct world *w, const char *context)
{
	for (size_t i = 0; i < w->offer.n; i++)
		if (str_eq(w->offer.items[i].context, context))
			return w->offer.items[i].environment;
	return "none";
}

static void environments_have_names(void **state)
{
	static const struct {
		const char *context, *name;
	} rows[] = {
		{"plain", "plain"},
		{"arn:aws:eks:eu-west-1:123456789012:cluster/Payments", "payments"},
		{"gke_acme_europe-west1-b_main_pool", "main-pool"},
		{"gke_short", "gke-short"},
		{"default/api-ocp-example-com:6443/ada", "api-ocp-example-com"},
		{"kubernetes-admin@kubernetes", "kubernetes"},
		{"trailing@", "trailing"},
		{"1st", "k-1st"},
		{"--a__b..c--", "a-b-c"},
		{"плот", "cluster"},
		{"a123456789b123456789c123456789d123456789e123456789f123456789g123456789",
		 "a123456789b123456789c123456789d123456789e123456789f123456789g12"},
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const one[] = {rows[i].context, NULL};
		contexts(w, "", one);
		assert_string_equal(named(w, rows[i].context), rows[i].name);
		assert_true(str_is_name(rows[i].name));
	}
	static const char *const twins[] = {"a@same", "b@same", "same", "same-2", NULL};
	contexts(w, "", twins);
	for (size_t i = 0; i < w->offer.n; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(w->offer.items[i].environment, w->offer.items[k].environment);
}

static void promotion_goes_by_names(void **state)
{
	static const char *const names[] = {"prod", "acme-staging", "broken", "kind-kind", "dev-eu", "other", "preprod", "qa", NULL};
	static const char *const order[] = {"kind-kind", "dev-eu", "qa", "other", "acme-staging", "preprod", "prod"};
	struct world *w = *state;
	contexts(w, "other", names);
	assert_int_equal(w->offer.n, 7); /* not the one whose cluster is not there */
	for (size_t i = 0; i < w->offer.n; i++) {
		const struct offer_item *item = &w->offer.items[i];
		assert_string_equal(item->context, order[i]);
		assert_int_equal(item->is_protected, i >= 5);
		assert_int_equal(item->is_chosen, i == 3);
	}
}

static void plugins_are_told(void **state)
{
	static const char *const names[] = {"exec", NULL};
	struct world *w = *state;
	setenv("PATH", "/nowhere:/bin:/usr/bin", 1);
	contexts(w, "", names);
	assert_string_equal(w->offer.items[0].plugin, "/bin/sh -c login");
	setenv("PATH", "/nowhere", 1);
	contexts(w, "", names);
	assert_string_equal(w->offer.items[0].plugin, "sh -c login (not installed)");
	setenv("PATH", "/bin:/usr/bin", 1);
}

static void it_is_a_configuration(void **state)
{
	static const char *const names[] = {"prod/\\\"x\\\" {", "dev: no", "left", NULL};
	struct world *w = *state;
	struct complaints wrong = {0};
	char path[600];
	contexts(w, "", names);
	for (size_t i = 0; i < w->offer.n; i++)
		w->offer.items[i].is_chosen = !str_eq(w->offer.items[i].context, "left");
	char *text = offer_text(&w->offer);
	snprintf(path, sizeof(path), "%s/new/fairway/config.yaml", w->dir);
	mode_t mask = umask(0);
	assert_true(offer_write(path, text, &w->err));
	umask(mask);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	struct config *c = config_load(&(struct config_flags){.file = path}, &wrong);
	if (!c)
		fail_msg("%s\n%s", wrong.text, text);
	assert_string_equal(c->context->name, OFFER_CONTEXT);
	assert_int_equal(c->context->n_environments, 2);
	assert_string_equal(c->context->environments[0].name, "dev-no");
	assert_false(c->context->environments[0].is_protected);
	assert_true(c->context->environments[1].is_protected);
	size_t n = 0;
	for (size_t i = 0; i < c->context->n_sources; i++) {
		const struct config_source *source = &c->context->sources[i];
		if (!str_eq(source->role, "deploys") || !str_eq(source->environment, "prod-x") || n++)
			continue;
		assert_string_equal(option_find(source->settings, source->n_settings, "context")->text, "prod/\"x\" {");
		assert_null(option_find(source->settings, source->n_settings, "kubeconfig")->text);
	}
	assert_int_equal(n, 1);
	config_free(c);
	assert_false(offer_write(path, "other", &w->err));
	assert_int_equal(w->err.kind, ERR_REFUSED);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal((size_t)st.st_size, strlen(text));
	free(text);
}

static void nothing_there_is_no_offer(void **state)
{
	struct world *w = *state;
	assert_true(offer_read(&w->offer, NULL, &w->err));
	assert_int_equal(w->offer.n, 0);
	offer_finish(&w->offer);
	assert_false(offer_read(&w->offer, w->file, &w->err)); /* that one was named */
	assert_int_equal(w->err.kind, ERR_USAGE);
	static const char *const names[] = {"a", NULL};
	contexts(w, "", names);
	unsetenv("KUBECONFIG");
	offer_finish(&w->offer);
	assert_true(offer_read(&w->offer, w->file, &w->err));
	assert_string_equal(w->offer.kubeconfig, w->file);
	w->offer.items[0].is_chosen = true;
	char *text = offer_text(&w->offer);
	assert_non_null(strstr(text, ", kubeconfig: \"/"));
	free(text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(environments_have_names), CASE(promotion_goes_by_names), CASE(plugins_are_told),
		CASE(it_is_a_configuration),   CASE(nothing_there_is_no_offer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
