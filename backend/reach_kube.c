/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/reach_kube.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/config.h"
#include "backend/credential.h"
#include "backend/kubeconfig.h"
#include "backend/loop.h"
#include "backend/redact.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/yaml.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

struct loaded { /* what a source's option names */
	struct loaded *next;
	char *file; /* NULL: the environment's */
	struct kubeconfig *config;
};
struct pin { /* the context that was current when a source was first asked */
	struct pin *next;
	const struct config_source *source; /* never looked into: it may be gone */
	char *context;
};
struct token_file {
	struct token_file *next;
	char *path, *token;
	int64_t read_at; /* monotonic */
	uint64_t serial; /* of the token */
};
struct reach_kubes {
	struct loop *loop;
	struct redact *redact;
	struct credentials *credentials;
	struct loaded *loaded;
	struct pin *pins;
	struct token_file *files;
	uint64_t serial; /* the newest one given out */
};
struct reach_kube_wait {
	struct reach_kubes *of;
	const struct config_source *source;
	struct credential_wait *credential;
	struct loop_timer timer;
	reach_told *told;
	void *arg;
};

struct reach_kubes *reach_kubes_new(struct loop *loop, struct redact *redact)
{
	struct reach_kubes *r = mem_alloc(sizeof(*r));
	*r = (struct reach_kubes){.loop = loop, .redact = redact};
	r->credentials = credentials_new(loop, redact, &r->serial);
	return r;
}

struct credentials *reach_kubes_credentials(struct reach_kubes *r)
{
	return r->credentials;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void reach_kubes_free(struct reach_kubes *r)
{
	credentials_free(r->credentials);
	for (struct loaded *l = r->loaded, *next; l; l = next) {
		next = l->next;
		kubeconfig_free(l->config);
		free(l->file);
		free(l);
	}
	for (struct pin *p = r->pins, *next; p; p = next) {
		next = p->next;
		free(p->context);
		free(p);
	}
	for (struct token_file *f = r->files, *next; f; f = next) {
		next = f->next;
		free(f->path);
		wipe(f->token);
		free(f);
	}
	free(r);
}

/* --- which entry --- */

static const char *setting(const struct config_source *source, const char *name)
{
	const struct setting *s = option_find(source->settings, source->n_settings, name);
	return s ? s->text : NULL;
}

static const struct kubeconfig *load(struct reach_kubes *r, const char *file, struct err *err)
{
	struct loaded *l = r->loaded;
	while (l && !str_eq(l->file, file))
		l = l->next;
	if (!l) {
		l = mem_alloc(sizeof(*l));
		*l = (struct loaded){.next = r->loaded, .file = mem_dup(file)};
		r->loaded = l;
	}
	if (l->config && kubeconfig_is_current(l->config))
		return l->config;
	kubeconfig_free(l->config);
	l->config = kubeconfig_load(file, err);
	return l->config;
}

static const char *context_of(struct reach_kubes *r, const struct config_source *source, const struct kubeconfig *k)
{
	const char *said = setting(source, "context"), *current = kubeconfig_current(k);
	struct pin *p = r->pins;
	while (p && p->source != source)
		p = p->next;
	if (said || (!p && !current))
		return said;
	if (!p) {
		p = mem_alloc(sizeof(*p));
		*p = (struct pin){.next = r->pins, .source = source, .context = mem_dup(current)};
		r->pins = p;
	}
	return p->context;
}

/* --- the server --- */

/* As client-go completes it: no scheme is http, a query and the '/' at the end say nothing. */
static const char *server_url(struct arena *arena, const char *server, struct err *err)
{
	bool is_whole = strstr(server, "://") != NULL;
	char *url = arena_printf(arena, "%s%s", is_whole ? "" : "http://", server);
	url[strcspn(url, "?#")] = '\0';
	size_t len = strlen(url);
	while (len && url[len - 1] == '/')
		url[--len] = '\0';
	if (!option_is_web_address(url) || (!is_whole && strchr(url + strlen("http://"), '/'))) {
		err_set(err, ERR_USAGE, "the server of the kubeconfig is no http or https URL: \"%.100s\"", server);
		return NULL;
	}
	return url;
}

/* Bytes for libcurl, which takes texts: a NUL would end them unseen. */
static bool read_pem(struct arena *arena, const struct kube_bytes *data, const char *folder, const char *file,
		     const char *what, const char **pem, struct err *err)
{
	struct str bytes = {0};
	char *path = file ? kubeconfig_path(folder, file) : NULL;
	bool is_read = kubeconfig_bytes(data, path, what, &bytes, err);
	if (is_read && bytes.len && (memchr(bytes.s, '\0', bytes.len) || !strstr(bytes.s, "-----BEGIN ")))
		is_read = err_set(err, ERR_USAGE, "%s of the kubeconfig is not PEM", what);
	else if (is_read && bytes.len)
		*pem = arena_dup(arena, bytes.s);
	if (bytes.s)
		explicit_bzero(bytes.s, bytes.len);
	str_finish(&bytes);
	free(path);
	return is_read;
}

static void redact_proxy(struct reach_kubes *r, const char *proxy)
{
	const char *host = strstr(proxy, "://") + 3, *at = strchr(host, '@'), *colon = at ? memchr(host, ':', (size_t)(at - host)) : NULL;
	if (colon)
		redact_add(r->redact, colon + 1, (size_t)(at - colon - 1));
}

static bool add_server(struct reach_kubes *r, struct arena *arena, const struct kube_cluster *c, struct reach *reach,
		       struct err *err)
{
	reach->url = server_url(arena, c->server, err);
	if (!reach->url)
		return false;
	reach->way.proxy = c->proxy;
	reach->way.is_uncompressed = c->is_uncompressed;
	if (c->proxy)
		redact_proxy(r, c->proxy);
	if (!str_starts(reach->url, "https:"))
		return true;
	reach->way.tls_name = c->tls_name;
	reach->way.is_insecure = c->is_insecure;
	return read_pem(arena, &c->ca, c->folder, c->ca_file, "the certificate-authority", &reach->way.ca_pem, err);
}

/* --- who we are --- */

static bool is_sendable(const char *text)
{
	for (const char *c = text; *c; c++)
		if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
			return false;
	return true;
}

static bool set_authorization(struct reach_kubes *r, struct arena *arena, struct reach *reach, const char *scheme,
			      const char *secret, struct err *err)
{
	if (!is_sendable(secret))
		return err_set(err, ERR_REFUSED, "the token of user \"%.60s\" holds a control byte: not sent",
			       reach->who);
	redact_add(r->redact, secret, strlen(secret));
	reach->secret = (struct header){"Authorization", arena_printf(arena, "%s %s", scheme, secret)};
	return true;
}

/* Reads it anew; the token that is there stays when that fails. False: it is what it was. */
static bool renew(struct reach_kubes *r, struct token_file *f, struct err *err)
{
	struct str bytes = {0};
	f->read_at = clock_mono_ms();
	char *text = NULL;
	if (kubeconfig_bytes(&(struct kube_bytes){0}, f->path, "the tokenFile", &bytes, err)) {
		size_t from = 0;
		while (from < bytes.len && strchr(" \t\r\n", bytes.s[from]))
			from++;
		while (bytes.len > from && strchr(" \t\r\n", bytes.s[bytes.len - 1]))
			bytes.len--;
		text = mem_dup_n(bytes.s ? bytes.s + from : "", bytes.len - from);
		explicit_bzero(bytes.s, bytes.len);
	}
	str_finish(&bytes);
	if (text && !*text)
		err_set(err, ERR_REFUSED, "the tokenFile, %.150s: it is empty", f->path);
	if (!text || !*text || str_eq(text, f->token)) {
		wipe(text);
		return false;
	}
	wipe(f->token);
	f->token = text;
	f->serial = ++r->serial;
	return true;
}

static struct token_file *token_of(struct reach_kubes *r, const char *path, struct err *err)
{
	struct token_file *f = r->files;
	while (f && !str_eq(f->path, path))
		f = f->next;
	if (!f) {
		f = mem_alloc(sizeof(*f));
		*f = (struct token_file){.next = r->files, .path = mem_dup(path)};
		r->files = f;
	}
	if (!f->token || clock_mono_ms() - f->read_at >= REACH_TOKEN_MS)
		renew(r, f, err);
	return f;
}

/* The file's token wins over the one that stands in the kubeconfig, once it could be read. */
static bool add_token(struct reach_kubes *r, struct arena *arena, const char *path, const char *token,
		      struct reach *reach, struct err *err)
{
	struct err why = {0};
	struct token_file *f = path ? token_of(r, path, &why) : NULL;
	if (f && f->token) {
		reach->serial = f->serial;
		token = f->token;
	} else if (!token) {
		*err = why;
		return false;
	}
	return set_authorization(r, arena, reach, "Bearer", token, err);
}

static bool add_password(struct reach_kubes *r, struct arena *arena, const struct kube_user *u, struct reach *reach,
			 struct err *err)
{
	struct str plain = {0}, text = {0};
	str_addf(&plain, "%s:%s", u->username ? u->username : "", u->password ? u->password : "");
	base64_add(&text, plain.s, plain.len);
	if (u->password)
		redact_add(r->redact, u->password, strlen(u->password));
	bool is_set = set_authorization(r, arena, reach, "Basic", text.s, err);
	explicit_bzero(plain.s, plain.len);
	explicit_bzero(text.s, text.len);
	str_finish(&plain);
	str_finish(&text);
	return is_set;
}

/* Of what auth-provider was, oidc is left: its id-token is sent while it lasts; a new one is kubectl's business. */
static bool add_provider(struct reach_kubes *r, struct arena *arena, const struct kube_user *u, struct reach *reach,
			 struct err *err)
{
	const struct yaml_node *token = yaml_find(u->provider->config, "id-token");
	if (!str_eq(u->provider->name, "oidc") || !token || !*token->text)
		return err_set(err, ERR_USAGE,
			       "user \"%.60s\" logs in by auth-provider %.40s, which needs a credential plugin (exec) now",
			       u->name, u->provider->name ? u->provider->name : "");
	return set_authorization(r, arena, reach, "Bearer", token->text, err);
}

static bool has_secret(const struct kube_user *u)
{
	return u->token || u->token_file || u->username || u->password || u->cert_file || u->cert.data;
}

static bool add_user(struct reach_kubes *r, struct arena *arena, const struct kube_user *u, struct reach *reach,
		     struct err *err)
{
	bool has_cert = u->cert_file || u->cert.data;
	if (has_cert && (!read_pem(arena, &u->cert, u->folder, u->cert_file, "the client-certificate",
				   &reach->way.cert_pem, err) ||
			 !read_pem(arena, &u->key, u->folder, u->key_file, "the client-key", &reach->way.key_pem, err)))
		return false;
	if (reach->way.key_pem)
		redact_add(r->redact, reach->way.key_pem, strlen(reach->way.key_pem));
	char *path = u->token_file ? kubeconfig_path(u->folder, u->token_file) : NULL;
	bool is_good = true;
	if (path || u->token)
		is_good = add_token(r, arena, path, u->token, reach, err);
	else if (u->username || u->password)
		is_good = add_password(r, arena, u, reach, err);
	else if (u->provider)
		is_good = add_provider(r, arena, u, reach, err);
	free(path);
	return is_good;
}

/* --- impersonation --- */

/* What a header's name may hold stays, RFC 9110 5.6.2; the rest is percent-encoded. */
static const char *extra_name(struct arena *arena, const char *key)
{
	struct str name = {0};
	str_add(&name, "Impersonate-Extra-");
	for (const char *c = key; *c; c++) {
		bool is_plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				strchr("!#$&'*+-.^_`|~", *c);
		str_addf(&name, is_plain ? "%c" : "%%%02X", (unsigned char)*c);
	}
	const char *kept = arena_dup(arena, name.s);
	str_finish(&name);
	return kept;
}

static void add_impersonation(struct arena *arena, const struct kube_user *u, struct reach *reach)
{
	size_t n = 0, room = 2 + u->as_groups.n;
	const struct yaml_node *extra = u->as_extra ? u->as_extra->first : NULL;
	if (!u->as)
		return;
	for (const struct yaml_node *c = extra; c; c = c->next)
		room += c->count;
	struct header *headers = arena_alloc(arena, room * sizeof(*headers));
	headers[n++] = (struct header){"Impersonate-User", u->as};
	if (u->as_uid)
		headers[n++] = (struct header){"Impersonate-Uid", u->as_uid};
	for (size_t i = 0; i < u->as_groups.n; i++)
		headers[n++] = (struct header){"Impersonate-Group", u->as_groups.items[i]};
	for (const struct yaml_node *c = extra; c; c = c->next)
		for (const struct yaml_node *value = c->first; value; value = value->next)
			headers[n++] = (struct header){extra_name(arena, c->key), value->text};
	reach->headers = headers;
	reach->n_headers = n;
}

/* --- inside of a pod --- */

static bool is_in_pod(void)
{
	return !str_empty(getenv("KUBERNETES_SERVICE_HOST")) && !str_empty(getenv("KUBERNETES_SERVICE_PORT"));
}

static bool add_account(struct reach_kubes *r, struct arena *arena, struct reach *reach, struct err *err)
{
	static const struct kube_bytes none;
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	bool is_six = strchr(host, ':') != NULL;
	struct str namespace = {0};
	const char *url = arena_printf(arena, "https://%s%s%s:%s", is_six ? "[" : "", host, is_six ? "]" : "",
				       getenv("KUBERNETES_SERVICE_PORT"));
	reach->who = "the pod's service account";
	reach->url = server_url(arena, url, err);
	if (!reach->url ||
	    !read_pem(arena, &none, "", ACCOUNT "ca.crt", "the certificate-authority", &reach->way.ca_pem, err))
		return false;
	if (kubeconfig_bytes(&none, ACCOUNT "namespace", "the namespace", &namespace, NULL) && namespace.len)
		reach->scope = arena_dup_n(arena, namespace.s, strcspn(namespace.s, " \r\n"));
	str_finish(&namespace);
	return add_token(r, arena, ACCOUNT "token", NULL, reach, err);
}

/* --- all of it --- */

/* *plugin: the entry whose credential plugin is to be asked first; its context is NULL when there is none. */
static bool resolve(struct reach_kube_wait *w, struct arena *arena, struct reach *reach, struct kube_pick *plugin,
		    struct err *err)
{
	struct reach_kubes *r = w->of;
	struct kube_pick pick;
	const struct kubeconfig *k = load(r, setting(w->source, "kubeconfig"), err);
	if (!k)
		return false;
	if (kubeconfig_is_absent(k) && !setting(w->source, "context") && is_in_pod())
		return add_account(r, arena, reach, err);
	if (!kubeconfig_pick(k, context_of(r, w->source, k), &pick, err) || !kubeconfig_check(&pick, err) ||
	    !add_server(r, arena, pick.cluster, reach, err))
		return false;
	reach->scope = pick.context->namespace;
	reach->context = context_of(r, w->source, k);
	reach->who = pick.user ? pick.user->name : "nobody";
	if (!pick.user)
		return true;
	add_impersonation(arena, pick.user, reach);
	if (!str_starts(reach->url, "https:"))
		return true;
	if (pick.user->exec && !has_secret(pick.user))
		*plugin = pick;
	return add_user(r, arena, pick.user, reach, err);
}

static bool add_credential(struct reach_kubes *r, struct arena *arena, const struct credential *c,
			   struct reach *reach, struct err *err)
{
	reach->serial = c->serial;
	reach->way.cert_pem = c->cert_pem;
	reach->way.key_pem = c->key_pem;
	return !c->token || set_authorization(r, arena, reach, "Bearer", c->token, err);
}

static void on_credential(const struct credential *, const struct err *, void *arg);

/* credential NULL: none was asked yet. */
static void tell(struct reach_kube_wait *w, const struct credential *credential)
{
	struct arena arena = {0};
	struct reach reach = {0};
	struct kube_pick plugin = {0};
	struct err err = {0};
	bool is_good = resolve(w, &arena, &reach, &plugin, &err);
	if (is_good && plugin.context && !credential) {
		w->credential = credential_ask(w->of->credentials, &plugin, on_credential, w);
		arena_finish(&arena);
		return;
	}
	if (is_good && plugin.context)
		is_good = add_credential(w->of, &arena, credential, &reach, &err);
	w->told(is_good ? &reach : NULL, is_good ? NULL : &err, w->arg);
	if (reach.secret.value)
		explicit_bzero((char *)reach.secret.value, strlen(reach.secret.value));
	arena_finish(&arena);
	free(w);
}

static void on_credential(const struct credential *credential, const struct err *err, void *arg)
{
	struct reach_kube_wait *w = arg;
	w->credential = NULL; /* it is gone after this call */
	if (credential) {
		tell(w, credential);
		return;
	}
	w->told(NULL, err, w->arg);
	free(w);
}

static void on_asked(void *arg)
{
	tell(arg, NULL);
}

struct reach_kube_wait *reach_kube_ask(struct reach_kubes *r, const struct config_source *source, reach_told *told,
				       void *arg)
{
	struct reach_kube_wait *w = mem_alloc(sizeof(*w));
	*w = (struct reach_kube_wait){.of = r, .source = source, .told = told, .arg = arg};
	loop_timer_set(r->loop, &w->timer, 0, on_asked, w);
	return w;
}

void reach_kube_cancel(struct reach_kube_wait *w)
{
	if (!w)
		return;
	credential_cancel(w->credential);
	loop_timer_clear(w->of->loop, &w->timer);
	free(w);
}

bool reach_kube_refused(struct reach_kubes *r, uint64_t serial)
{
	if (!serial)
		return false;
	for (struct token_file *f = r->files; f; f = f->next)
		if (f->serial == serial)
			return renew(r, f, NULL);
	return credential_refused(r->credentials, serial);
}
