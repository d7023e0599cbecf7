/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/offer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/kubeconfig.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/yaml.h"

#define NAME_MAX_LEN 63

/* --- names --- */

/* The part of a context's name that tells clusters apart, as the tools that write kubeconfigs put them:
 *	arn:aws:eks:REGION:ACCOUNT:cluster/NAME    aws eks update-kubeconfig
 *	gke_PROJECT_ZONE_NAME                      gcloud container clusters get-credentials
 *	NAMESPACE/HOST:PORT/USER                   oc login
 *	USER@NAME                                  kubeadm and others */
static void telling_part(const char *context, const char **from, size_t *len)
{
	const char *slash = strrchr(context, '/'), *first = strchr(context, '/');
	*from = context;
	if (str_starts(context, "arn:") && slash) {
		*from = slash + 1;
	} else if (str_starts(context, "gke_")) {
		const char *at = context;
		for (int i = 0; i < 3 && at; i++)
			at = strchr(at, '_') ? strchr(at, '_') + 1 : NULL;
		*from = at ? at : context;
	} else if (first && slash != first) {
		*from = first + 1;
		*len = strcspn(*from, ":/");
		return;
	} else if (strrchr(context, '@') && strrchr(context, '@')[1]) {
		*from = strrchr(context, '@') + 1;
	}
	*len = strlen(*from);
}

/* Small letters, digits and dashes, a letter first, at most room long. */
static void clean(const char *from, size_t len, size_t room, struct str *out)
{
	for (size_t i = 0; i < len && out->len < room; i++) {
		char c = (char)tolower((unsigned char)from[i]);
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!out->len && is_plain && !(c >= 'a' && c <= 'z'))
			str_add(out, "k-");
		if (is_plain)
			str_addc(out, c);
		else if (out->len && out->s[out->len - 1] != '-')
			str_addc(out, '-');
	}
	while (out->len && out->s[out->len - 1] == '-')
		out->s[--out->len] = '\0';
	if (!out->len)
		str_add(out, "cluster");
}

static bool is_taken(const struct offer *o, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(o->items[i].environment, name))
			return true;
	return false;
}

static const char *name_of(struct offer *o, size_t n, const char *context)
{
	const char *from;
	size_t len;
	struct str name = {0};
	telling_part(context, &from, &len);
	clean(from, len, NAME_MAX_LEN, &name);
	for (int i = 2; is_taken(o, n, name.s); i++) {
		char tail[16];
		snprintf(tail, sizeof(tail), "-%d", i);
		str_reset(&name);
		clean(from, len, NAME_MAX_LEN - strlen(tail), &name);
		str_add(&name, tail);
	}
	const char *kept = arena_dup(&o->arena, name.s);
	str_finish(&name);
	return kept;
}

static bool holds(const char *text, const char *word)
{
	return text && strcasestr(text, word);
}

/* Where in the order of promotion a name belongs. */
static int rank(const char *name)
{
	static const struct {
		const char *word;
		int rank;
	} words[] = {{"nonprod", 2}, {"non-prod", 2}, {"preprod", 4}, {"pre-prod", 4}, {"prod", 5}, {"stag", 4},
		     {"uat", 4},     {"test", 2},     {"qa", 2},      {"dev", 1},      {"sandbox", 1}, {"local", 0},
		     {"kind-", 0},   {"minikube", 0}};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (holds(name, words[i].word))
			return words[i].rank;
	return 3;
}

static int by_rank(const void *a, const void *b)
{
	const struct offer_item *x = a, *y = b;
	int d = rank(x->context) - rank(y->context);
	return d ? d : strcmp(x->environment, y->environment);
}

/* --- plugins --- */

static void tell_plugin(struct offer *o, const struct kube_user *u, struct offer_item *item)
{
	if (!consent_of(u, &o->arena, &item->consent))
		return;
	item->plugin = *item->consent.hash ? item->consent.line
					   : arena_printf(&o->arena, "%s (not installed)", item->consent.line);
}

/* --- the offer --- */

static void add_item(struct offer *o, const struct kubeconfig *k, const struct kube_context *context)
{
	struct kube_pick pick;
	struct err err;
	if (!*context->name || !kubeconfig_pick(k, context->name, &pick, &err) || !kubeconfig_check(&pick, &err))
		return; /* nothing can be reached by it */
	struct offer_item item = {
		.context = arena_dup(&o->arena, context->name),
		.environment = name_of(o, o->n, context->name),
		.server = arena_dup(&o->arena, pick.cluster->server),
		.user = arena_dup(&o->arena, context->user),
		.is_current = str_eq(context->name, kubeconfig_current(k)),
		.is_insecure = pick.cluster->is_insecure,
		.is_protected = holds(context->name, "prod") || holds(context->cluster, "prod"),
	};
	tell_plugin(o, pick.user, &item);
	item.is_chosen = item.is_current;
	o->items[o->n++] = item;
}

bool offer_read(struct offer *o, const char *kubeconfig, struct err *err)
{
	*o = (struct offer){0};
	struct kubeconfig *k = kubeconfig_load(kubeconfig, err);
	if (!k)
		return false;
	size_t n;
	const struct kube_context *contexts = kubeconfig_contexts(k, &n);
	o->files = arena_dup(&o->arena, kubeconfig_files(k));
	o->kubeconfig = kubeconfig ? o->files : NULL;
	o->items = arena_alloc(&o->arena, (n + 1) * sizeof(*o->items));
	for (size_t i = 0; i < n; i++)
		add_item(o, k, &contexts[i]);
	kubeconfig_free(k);
	if (o->n)
		qsort(o->items, o->n, sizeof(*o->items), by_rank);
	if (kubeconfig && !o->n)
		return err_set(err, ERR_USAGE, "%s: no context in it can be used", o->files);
	return true;
}

void offer_finish(struct offer *o)
{
	arena_finish(&o->arena);
	*o = (struct offer){0};
}

char *offer_text(const struct offer *o)
{
	struct str out = {0};
	str_addf(&out, "# Out of the kubeconfig, in the order of promotion.\ncontext: %s\ncontexts:\n  %s:\n"
		       "    environments:\n", OFFER_CONTEXT, OFFER_CONTEXT);
	for (size_t i = 0; i < o->n; i++) {
		const struct offer_item *item = &o->items[i];
		if (!item->is_chosen)
			continue;
		str_addf(&out, "    - name: %s\n", item->environment);
		if (item->is_protected)
			str_add(&out, "      protected: true      # changes want the name typed\n");
		str_add(&out, "      deploys: { kind: kubernetes, context: ");
		yaml_quote_always(&out, item->context);
		if (o->kubeconfig) {
			str_add(&out, ", kubeconfig: ");
			yaml_quote_always(&out, o->kubeconfig);
		}
		str_add(&out, " }\n");
	}
	return str_detach(&out);
}

/* --- writing --- */

static bool write_beside(int dir, const char *name, const char *path, const char *text, struct err *err)
{
	struct str beside = {0};
	str_addf(&beside, "%s.new-%ld", name, (long)getpid());
	int fd = openat(dir, beside.s, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool is_good = fd >= 0 && file_write_all(fd, text, strlen(text)) && fsync(fd) == 0;
	int number = errno;
	if (fd >= 0)
		close(fd);
	if (is_good && renameat2(dir, beside.s, dir, name, RENAME_NOREPLACE) < 0) {
		number = errno;
		is_good = false;
	}
	if (!is_good && fd >= 0)
		unlinkat(dir, beside.s, 0);
	str_finish(&beside);
	if (!is_good && number == EEXIST)
		return err_set(err, ERR_REFUSED, "%s is there already; it was left as it is", path);
	return is_good || err_errno(err, ERR_FAILED, number, "cannot write %s", path);
}

bool offer_write(const char *path, const char *text, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_dup_n(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
	int dir = slash ? file_folder(folder, err) : AT_FDCWD;
	bool is_good = dir != -1 && write_beside(dir, slash ? slash + 1 : path, path, text, err);
	if (dir >= 0)
		close(dir);
	free(folder);
	return is_good;
}
