/* SPDX-License-Identifier: Apache-2.0 */
/* Which files, how they merge, and what a context stands for. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/kubeconfig_private.h"
#include "base/harden.h"
#include "base/str.h"

#define BYTES_MAX (1024 * 1024)
#define FILES_MAX 64

struct kube_file {
	const char *name;  /* absolute */
	struct stat state; /* when it was read; all zero: it was not there */
};
struct kubeconfig {
	struct arena arena;
	const char *named; /* the one file; NULL: those of the environment */
	const char *from;  /* value of KUBECONFIG, or HOME */
	struct kube_file files[FILES_MAX];
	size_t n_files;
	const char *list;  /* their names, for sentences */
	char *entries[ENTRY_KINDS]; /* structs of the kind's size, sorted by name */
	size_t n[ENTRY_KINDS];
	const char *current;
};

/* --- files --- */

/* Reads a regular file through links. False with errno, 0 for what no errno tells. */
static bool read_regular(const char *name, size_t max, struct str *out, struct stat *state)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	bool is_good = fstat(fd, state) == 0;
	if (is_good && (!S_ISREG(state->st_mode) || (size_t)state->st_size > max)) {
		is_good = false;
		errno = 0;
	}
	while (is_good && out->len <= max) {
		str_reserve(out, 16384);
		ssize_t n = read(fd, out->s + out->len, 16384);
		if (n == 0)
			break;
		if (n > 0)
			out->len += (size_t)n;
		else if (errno != EINTR)
			is_good = false;
	}
	int number = errno;
	close(fd);
	errno = number;
	return is_good;
}

static void forget_bytes(struct str *bytes)
{
	if (bytes->s)
		explicit_bzero(bytes->s, bytes->len);
	str_finish(bytes);
}

static const char *absolute(struct arena *arena, const char *name)
{
	if (*name == '/')
		return arena_dup(arena, name);
	char *here = getcwd(NULL, 0);
	const char *path = arena_printf(arena, "%s/%s", here ? here : "", name);
	free(here);
	return path;
}

static void add_file(struct kubeconfig *k, const char *name, size_t len)
{
	const char *path = absolute(&k->arena, arena_dup_n(&k->arena, name, len));
	for (size_t i = 0; i < k->n_files; i++)
		if (str_eq(k->files[i].name, path))
			return;
	if (len && k->n_files < FILES_MAX)
		k->files[k->n_files++].name = path;
}

static const char *environment(void)
{
	const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
	return !str_empty(list) ? list : home ? home : "";
}

static void list_files(struct kubeconfig *k, const char *file)
{
	struct str names = {0};
	k->named = file ? absolute(&k->arena, file) : NULL;
	k->from = arena_dup(&k->arena, environment());
	if (file) {
		add_file(k, file, strlen(file));
	} else if (!str_empty(getenv("KUBECONFIG"))) {
		for (const char *at = k->from; *at; at += strcspn(at, ":") + (at[strcspn(at, ":")] == ':'))
			add_file(k, at, strcspn(at, ":"));
	} else if (*k->from) {
		const char *path = arena_printf(&k->arena, "%s/.kube/config", k->from);
		add_file(k, path, strlen(path));
	}
	for (size_t i = 0; i < k->n_files; i++)
		str_addf(&names, "%s%s", i ? ", " : "", k->files[i].name);
	k->list = arena_dup(&k->arena, str_text(&names));
	str_finish(&names);
}

static bool is_private(const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & 022);
}

static void read_file(struct kubeconfig *k, size_t i, struct kube_reader *reader)
{
	struct kube_file *file = &k->files[i];
	struct str bytes = {0};
	reader->file = i;
	if (!read_regular(file->name, KUBECONFIG_MAX_BYTES, &bytes, &file->state)) {
		bool is_absent = errno == ENOENT || errno == ENOTDIR;
		if (is_absent)
			file->state = (struct stat){0};
		if (!is_absent || k->named)
			complain(reader->complaints, file->name, 0, NULL, NULL, "%s",
				 errno ? strerror(errno) : "is not a regular file of at most 16 MiB");
	} else if (!is_private(&file->state)) {
		complain(reader->complaints, file->name, 0, NULL, NULL,
			 "others can write this file, and it can name commands: chmod go-w, or take it over");
	} else if (bytes.len) {
		kube_read(reader, file->name, bytes.s, bytes.len);
	}
	forget_bytes(&bytes);
}

bool kubeconfig_is_current(const struct kubeconfig *k)
{
	if (!k->named && !str_eq(k->from, environment()))
		return false;
	for (size_t i = 0; i < k->n_files; i++) {
		struct stat st, old = k->files[i].state;
		if (stat(k->files[i].name, &st) < 0)
			st = (struct stat){0};
		if (st.st_ino != old.st_ino || st.st_dev != old.st_dev || st.st_size != old.st_size ||
		    st.st_mtim.tv_sec != old.st_mtim.tv_sec || st.st_mtim.tv_nsec != old.st_mtim.tv_nsec ||
		    st.st_mode != old.st_mode || st.st_uid != old.st_uid)
			return false;
	}
	return true;
}

/* --- merging --- */

static int by_name(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int d = strcmp(x->name, y->name);
	if (!d)
		d = (x->file > y->file) - (x->file < y->file);
	return d ? d : (x->order > y->order) - (x->order < y->order);
}

/* The first file that names an entry has it whole; twice in one file is a mistake. */
static void merge(struct kubeconfig *k, struct kube_reader *r, enum entry_kind kind)
{
	const struct entry_class *class = &kube_classes[kind];
	struct found *found = r->found[kind];
	size_t n = r->n_found[kind];
	if (!n)
		return;
	qsort(found, n, sizeof(*found), by_name);
	k->entries[kind] = arena_alloc(&k->arena, n * class->size);
	for (size_t i = 0; i < n; i++) {
		bool is_twin = i && strcmp(found[i].name, found[i - 1].name) == 0;
		if (is_twin && found[i].file == found[i - 1].file)
			complain(r->complaints, k->files[found[i].file].name, 0, class->list, found[i].name,
				 "stands there twice");
		if (!is_twin)
			memcpy(k->entries[kind] + k->n[kind]++ * class->size, found[i].entry, class->size);
	}
}

/* One sentence of what was complained about. */
static bool tell(struct complaints *complaints, struct err *err)
{
	if (!complaints->count)
		return true;
	err_set(err, ERR_USAGE, "%.*s", (int)strcspn(complaints->text, "\n"), complaints->text);
	complaints_finish(complaints);
	return false;
}

/* Takes what was read; NULL with err, and k freed, when something was wrong. */
static struct kubeconfig *finish(struct kubeconfig *k, struct kube_reader *reader, struct err *err)
{
	for (int kind = 0; kind < ENTRY_KINDS; kind++) {
		merge(k, reader, kind);
		free(reader->found[kind]);
	}
	k->current = reader->current;
	if (tell(reader->complaints, err))
		return k;
	kubeconfig_free(k);
	return NULL;
}

struct kubeconfig *kubeconfig_load(const char *file, struct err *err)
{
	struct complaints complaints = {0};
	if (!harden(err))
		return NULL;
	struct kubeconfig *k = mem_alloc(sizeof(*k));
	struct kube_reader reader = {.arena = &k->arena, .complaints = &complaints};
	list_files(k, file);
	for (size_t i = 0; i < k->n_files; i++)
		read_file(k, i, &reader);
	return finish(k, &reader, err);
}

struct kubeconfig *kubeconfig_parse(const char *name, const void *bytes, size_t len, struct err *err)
{
	struct complaints complaints = {0};
	struct kubeconfig *k = mem_alloc(sizeof(*k));
	struct kube_reader reader = {.arena = &k->arena, .complaints = &complaints};
	list_files(k, name);
	if (len)
		kube_read(&reader, k->files[0].name, bytes, len);
	return finish(k, &reader, err);
}

void kubeconfig_free(struct kubeconfig *k)
{
	if (!k)
		return;
	arena_finish(&k->arena);
	free(k);
}

/* --- what is there --- */

bool kubeconfig_is_absent(const struct kubeconfig *k)
{
	for (int kind = 0; kind < ENTRY_KINDS; kind++)
		if (k->n[kind])
			return false;
	return !k->current;
}

const char *kubeconfig_files(const struct kubeconfig *k)
{
	return k->list;
}

const struct kube_context *kubeconfig_contexts(const struct kubeconfig *k, size_t *n)
{
	*n = k->n[ENTRY_CONTEXT];
	return (const struct kube_context *)(const void *)k->entries[ENTRY_CONTEXT];
}

const char *kubeconfig_current(const struct kubeconfig *k)
{
	return k->current;
}

static const void *find(const struct kubeconfig *k, enum entry_kind kind, const char *name)
{
	size_t low = 0, high = k->n[kind];
	while (low < high) {
		size_t middle = (low + high) / 2;
		const char *entry = k->entries[kind] + middle * kube_classes[kind].size;
		int d = strcmp(name, *(const char *const *)(const void *)entry);
		if (!d)
			return entry;
		if (d < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static bool no_context(const struct kubeconfig *k, const char *name, struct err *err)
{
	size_t n;
	const struct kube_context *contexts = kubeconfig_contexts(k, &n);
	struct str list = {0};
	for (size_t i = 0; i < n && list.len < 120; i++)
		str_addf(&list, "%s%.60s", i ? ", " : "", contexts[i].name);
	if (!n)
		err_set(err, ERR_USAGE, "there is no context in %s", *k->list ? k->list : "any kubeconfig");
	else if (name)
		err_set(err, ERR_USAGE, "no context \"%.60s\" in %.100s; there is: %s", name, k->list, list.s);
	else
		err_set(err, ERR_USAGE, "%.100s sets no current context: name one, there is: %s", k->list, list.s);
	str_finish(&list);
	return false;
}

bool kubeconfig_pick(const struct kubeconfig *k, const char *context, struct kube_pick *pick, struct err *err)
{
	const char *name = context ? context : k->current;
	*pick = (struct kube_pick){.context = name ? find(k, ENTRY_CONTEXT, name) : NULL};
	if (!pick->context)
		return no_context(k, name, err);
	const char *cluster = pick->context->cluster, *user = pick->context->user;
	pick->cluster = cluster ? find(k, ENTRY_CLUSTER, cluster) : NULL;
	pick->user = user ? find(k, ENTRY_USER, user) : NULL;
	if (cluster && !pick->cluster)
		return err_set(err, ERR_USAGE, "context \"%.60s\" names the cluster \"%.60s\", which is not in %.100s",
			       name, cluster, k->list);
	if (user && !pick->user)
		return err_set(err, ERR_USAGE, "context \"%.60s\" names the user \"%.60s\", which is not in %.100s",
			       name, user, k->list);
	return true;
}

const struct yaml_node *kubeconfig_named(const struct yaml_node *list, const char *name)
{
	for (const struct yaml_node *c = list ? list->first : NULL; c; c = c->next)
		if (strcmp(kube_text(yaml_find(c, "name")), name) == 0)
			return c;
	return NULL;
}

/* --- whether it can be used --- */

static bool is_proxy(const char *url)
{
	static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_starts(url, schemes[i]))
			return url[strlen(schemes[i])] != '\0';
	return false;
}

static bool check_cluster(const struct kube_cluster *c, struct err *err)
{
	if (!c->server)
		return err_set(err, ERR_USAGE, "cluster \"%.60s\" has no server", c->name);
	if (c->proxy && !is_proxy(c->proxy))
		return err_set(err, ERR_USAGE, "cluster \"%.60s\": proxy-url must be an http, https or socks5 URL",
			       c->name);
	if (c->ca_file && c->ca.data)
		return err_set(err, ERR_USAGE,
			       "cluster \"%.60s\" has certificate-authority and certificate-authority-data: one only",
			       c->name);
	if ((c->ca_file || c->ca.data) && c->is_insecure)
		return err_set(err, ERR_USAGE,
			       "cluster \"%.60s\" has a certificate-authority and insecure-skip-tls-verify: one only",
			       c->name);
	return true;
}

static bool check_exec(const struct kube_user *u, struct err *err)
{
	static const char *const modes[] = {"Never", "IfAvailable", "Always"};
	const struct kube_exec *x = u->exec;
	if (u->provider)
		return err_set(err, ERR_USAGE, "user \"%.60s\" has auth-provider and exec: one only", u->name);
	if (!x->command)
		return err_set(err, ERR_USAGE, "user \"%.60s\": exec has no command", u->name);
	if (!str_eq(x->api, "client.authentication.k8s.io/v1") &&
	    !str_eq(x->api, "client.authentication.k8s.io/v1beta1"))
		return err_set(err, ERR_USAGE,
			       "user \"%.60s\": exec must have the apiVersion client.authentication.k8s.io/v1 or "
			       "v1beta1, not \"%.60s\"", u->name, x->api ? x->api : "");
	bool is_known = false;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		is_known = is_known || str_eq(x->interactive, modes[i]);
	if (!is_known)
		return err_set(err, ERR_USAGE,
			       "user \"%.60s\": exec must say interactiveMode: Never, IfAvailable or Always", u->name);
	for (const struct yaml_node *c = x->env ? x->env->first : NULL; c; c = c->next)
		if (!*kube_text(yaml_find(c, "name")))
			return err_set(err, ERR_USAGE, "user \"%.60s\": exec has a variable without a name", u->name);
	return true;
}

static bool check_user(const struct kube_user *u, struct err *err)
{
	bool has_cert = u->cert_file || u->cert.data;
	if ((u->token || u->token_file) && (u->username || u->password))
		return err_set(err, ERR_USAGE, "user \"%.60s\" has a token and a password: one only", u->name);
	if ((u->cert_file && u->cert.data) || (has_cert && u->key_file && u->key.data))
		return err_set(err, ERR_USAGE,
			       "user \"%.60s\" has its certificate or key as a file and as data: one only", u->name);
	if (has_cert && !u->key_file && !u->key.data)
		return err_set(err, ERR_USAGE, "user \"%.60s\" has a client-certificate without its client-key",
			       u->name);
	if ((u->as_uid || u->as_groups.n || (u->as_extra && u->as_extra->count)) && !u->as)
		return err_set(err, ERR_USAGE, "user \"%.60s\" has as-uid, as-groups or as-user-extra without as",
			       u->name);
	return !u->exec || check_exec(u, err);
}

bool kubeconfig_check(const struct kube_pick *p, struct err *err)
{
	if (!p->cluster)
		return err_set(err, ERR_USAGE, "context \"%.60s\" names no cluster", p->context->name);
	return check_cluster(p->cluster, err) && (!p->user || check_user(p->user, err));
}

/* --- files that entries name --- */

/* As Go's filepath.Join has it. */
char *kubeconfig_path(const char *folder, const char *path)
{
	struct str out = {0};
	char *all = NULL, *save = NULL;
	if (*path == '/')
		return mem_dup(path);
	str_addf(&out, "%s/%s", folder, path);
	all = str_detach(&out);
	for (char *part = strtok_r(all, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (strcmp(part, "..") == 0) {
			while (out.len && out.s[--out.len] != '/')
				;
			if (out.s)
				out.s[out.len] = '\0';
		} else if (strcmp(part, ".") != 0) {
			str_addf(&out, "/%s", part);
		}
	}
	free(all);
	if (!out.len)
		str_add(&out, "/");
	return str_detach(&out);
}

bool kubeconfig_bytes(const struct kube_bytes *data, const char *path, const char *what, struct str *out,
		      struct err *err)
{
	struct stat st;
	errno = 0;
	if (data->data) {
		str_addn(out, data->data, data->len);
	} else if (path && !read_regular(path, BYTES_MAX, out, &st)) {
		return err_set(err, ERR_USAGE, "%s, %.150s: %s", what, path,
			       errno ? strerror(errno) : "not a regular file of at most 1 MiB");
	}
	return true;
}
