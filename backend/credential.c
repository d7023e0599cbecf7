/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/credential.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/consent.h"
#include "backend/exec.h"
#include "backend/kubeconfig.h"
#include "backend/message.h"
#include "backend/redact.h"
#include "backend/request.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/yaml.h"

#define TOLD_MAX 160 /* bytes of standard error in a sentence */

struct plugin { /* an entry, and its newest answer */
	struct plugin *next;
	struct credentials *of;
	struct arena arena;        /* of the entry's texts */
	const char *key;           /* what it is found by: all that is given to it */
	const char *user, *api, *hint;
	const char *mode;          /* Never, IfAvailable, Always */
	struct consent consent;    /* what may run, once that is approved */
	const char *const *argv;   /* of that */
	const char **env, **env_lent;
	struct exec *exec;         /* it runs; NULL: it has ended */
	uint64_t ticket;           /* it runs in the terminal, or will, or its person is asked; 0: not */
	bool is_asked_about;       /* whether it may run at all */
	struct str errors;         /* its standard error */
	bool is_refused;           /* a server did not take the answer: the next run is a renewal */
	bool is_renewal;           /* the answer came after such a refusal */
	struct credential answer;  /* owned; all NULL: it failed, and err tells why; or it was never run */
	struct err err;
	int64_t born, until;       /* monotonic: when it ended, and when it has to run again at the latest */
	int64_t expires;           /* wall; 0: unsaid */
};
struct credentials {
	struct loop *loop;
	struct redact *redact;
	uint64_t *serial;
	void (*deliver)(struct message *, void *arg); /* NULL: there is no terminal */
	void *arg;
	uint64_t tickets;
	struct plugin *plugins;
	struct credential_wait *waits;
};
struct credential_wait {
	struct credentials *of;
	struct credential_wait *next;
	struct plugin *plugin;     /* NULL: err tells why there is none */
	struct err err;
	struct loop_timer timer;
	credential_told *told;
	void *arg;
};

struct credentials *credentials_new(struct loop *loop, struct redact *redact, uint64_t *serial)
{
	struct credentials *c = mem_alloc(sizeof(*c));
	*c = (struct credentials){.loop = loop, .redact = redact, .serial = serial};
	return c;
}

static void wipe(const char **text)
{
	if (*text)
		explicit_bzero((char *)*text, strlen(*text));
	free((char *)*text);
	*text = NULL;
}

static void forget_answer(struct plugin *p)
{
	wipe(&p->answer.token);
	wipe(&p->answer.cert_pem);
	wipe(&p->answer.key_pem);
}

void credentials_free(struct credentials *c)
{
	while (c && c->plugins) {
		struct plugin *p = c->plugins;
		c->plugins = p->next;
		exec_cancel(p->exec);
		forget_answer(p);
		str_finish(&p->errors);
		arena_finish(&p->arena);
		free(p);
	}
	free(c);
}

/* --- what a plugin is given --- */

static void add_extension(cJSON *cluster, const struct kube_cluster *c)
{
	const struct yaml_node *own = kubeconfig_named(c->extensions, "client.authentication.k8s.io/exec");
	const struct yaml_node *value = yaml_find(own, "extension");
	cJSON_AddItemToObject(cluster, "config", value ? kubeconfig_json(value) : cJSON_CreateNull());
}

static cJSON *cluster_json(const struct kube_cluster *c, struct err *err)
{
	struct str ca = {0}, text = {0};
	char *path = c->ca_file ? kubeconfig_path(c->folder, c->ca_file) : NULL;
	bool is_read = kubeconfig_bytes(&c->ca, path, "the certificate-authority", &ca, err);
	cJSON *json = is_read ? cJSON_CreateObject() : NULL;
	free(path);
	if (json) {
		base64_add(&text, ca.s, ca.len);
		json_add_text(json, "server", c->server);
		json_add_text(json, "tls-server-name", c->tls_name);
		if (c->is_insecure)
			json_add_bool(json, "insecure-skip-tls-verify", true);
		if (text.len)
			json_add_text(json, "certificate-authority-data", text.s);
		json_add_text(json, "proxy-url", c->proxy);
		if (c->is_uncompressed)
			json_add_bool(json, "disable-compression", true);
		add_extension(json, c);
	}
	str_finish(&ca);
	str_finish(&text);
	return json;
}

/* The value of KUBERNETES_EXEC_INFO; free() it. NULL with err. */
static char *exec_info(const struct kube_pick *pick, bool is_interactive, struct err *err)
{
	const struct kube_exec *x = pick->user->exec;
	cJSON *cluster = x->wants_cluster ? cluster_json(pick->cluster, err) : NULL;
	if (x->wants_cluster && !cluster)
		return NULL;
	cJSON *root = cJSON_CreateObject();
	json_add_text(root, "kind", "ExecCredential");
	json_add_text(root, "apiVersion", x->api);
	cJSON *spec = cJSON_AddObjectToObject(root, "spec");
	if (cluster)
		cJSON_AddItemToObject(spec, "cluster", cluster);
	json_add_bool(spec, "interactive", is_interactive);
	char *text = json_print(root);
	cJSON_Delete(root);
	return text;
}

static const char **variables(struct plugin *p, const struct kube_pick *pick, bool is_interactive, struct err *err)
{
	char *info = exec_info(pick, is_interactive, err);
	size_t n = 0;
	if (!info)
		return NULL;
	while (p->consent.env[n])
		n++;
	const char **env = arena_alloc(&p->arena, (n + 2) * sizeof(*env));
	memcpy(env, p->consent.env, n * sizeof(*env));
	env[n] = arena_printf(&p->arena, "KUBERNETES_EXEC_INFO=%s", info);
	free(info);
	return env;
}

static bool describe(struct plugin *p, const struct kube_pick *pick, struct err *err)
{
	const struct kube_exec *x = pick->user->exec;
	consent_of(pick->user, &p->arena, &p->consent);
	p->argv = p->consent.argv;
	p->env = variables(p, pick, false, err);
	p->env_lent = p->env ? variables(p, pick, true, err) : NULL;
	if (!p->env_lent)
		return false;
	p->mode = arena_dup(&p->arena, x->interactive);
	p->user = arena_dup(&p->arena, pick->user->name);
	p->api = arena_dup(&p->arena, x->api);
	p->hint = arena_dup(&p->arena, x->hint);
	struct str key = {0};
	for (size_t i = 0; p->argv[i]; i++)
		str_addf(&key, "%zu:%s", strlen(p->argv[i]), p->argv[i]);
	for (size_t i = 0; p->env[i]; i++)
		str_addf(&key, "\n%zu:%s", strlen(p->env[i]), p->env[i]);
	str_addf(&key, "\n%s\n%s\n%s", p->api, x->interactive, p->user);
	p->key = arena_dup(&p->arena, key.s);
	str_finish(&key);
	return true;
}

/* --- what it answers --- */

static bool is_one_line(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return true;
}

static bool read_expiry(struct plugin *p, const cJSON *status, struct err *err)
{
	const cJSON *at = json_get(status, "expirationTimestamp");
	p->expires = 0;
	return !at || cJSON_IsNull(at) ||
	       (cJSON_IsString(at) && clock_parse_rfc3339(at->valuestring, &p->expires)) ||
	       err_set(err, ERR_REFUSED, "its expirationTimestamp is not a time");
}

static bool read_status(struct plugin *p, const cJSON *status, struct err *err)
{
	const char *token = json_text(status, "token"), *cert = json_text(status, "clientCertificateData"),
		   *key = json_text(status, "clientKeyData");
	if (!cJSON_IsObject(status))
		return err_set(err, ERR_REFUSED, "it printed no status");
	if (str_empty(token) && str_empty(cert) && str_empty(key))
		return err_set(err, ERR_REFUSED, "it gave neither a token nor a certificate");
	if (str_empty(cert) != str_empty(key))
		return err_set(err, ERR_REFUSED, "it gave a certificate or a key, not both");
	if (!read_expiry(p, status, err))
		return false;
	if (!str_empty(token) && !is_one_line(token))
		return err_set(err, ERR_REFUSED, "its token holds a control byte: not used");
	if (!str_empty(token)) {
		redact_add(p->of->redact, token, strlen(token));
		p->answer.token = mem_dup(token);
	}
	if (!str_empty(key)) {
		redact_add(p->of->redact, key, strlen(key));
		p->answer.cert_pem = mem_dup(cert);
		p->answer.key_pem = mem_dup(key);
	}
	p->answer.serial = ++*p->of->serial;
	return true;
}

static void wipe_json(cJSON *json)
{
	for (cJSON *c = json; c; c = c->next) {
		if (c->valuestring)
			explicit_bzero(c->valuestring, strlen(c->valuestring));
		wipe_json(c->child);
	}
}

static bool read_answer(struct plugin *p, const char *output, size_t len, struct err *err)
{
	struct err why;
	cJSON *root = json_parse(output, len, &why);
	bool is_good = false;
	if (!root) /* the reason may repeat what it printed */
		err_set(err, ERR_REFUSED, "what it printed is not JSON");
	else if (!str_eq(json_text(root, "kind"), "ExecCredential"))
		err_set(err, ERR_REFUSED, "what it printed is no ExecCredential");
	else if (!str_eq(json_text(root, "apiVersion"), p->api))
		err_set(err, ERR_REFUSED, "it answered with another apiVersion than %s", p->api);
	else
		is_good = read_status(p, json_get(root, "status"), err);
	wipe_json(root);
	cJSON_Delete(root);
	return is_good;
}

/* The end of what it wrote to standard error, on one line. */
static void add_last_words(struct str *out, const struct str *errors)
{
	struct str line = {0};
	for (size_t i = 0; i < errors->len; i++) {
		unsigned char c = (unsigned char)errors->s[i];
		if (c == 0x1b && i + 1 < errors->len && errors->s[i + 1] == '[') { /* a colour */
			i += 2;
			while (i < errors->len && (errors->s[i] < 0x40 || errors->s[i] == 0x7f))
				i++;
			continue;
		}
		bool is_space = c <= 0x20 || c == 0x7f;
		if (!is_space)
			str_addc(&line, (char)c);
		else if (line.len && line.s[line.len - 1] != ' ')
			str_addc(&line, ' ');
	}
	while (line.len && line.s[line.len - 1] == ' ')
		line.s[--line.len] = '\0';
	size_t from = line.len > TOLD_MAX ? line.len - TOLD_MAX : 0;
	while (from && from < line.len && ((unsigned char)line.s[from] & 0xC0) == 0x80)
		from++;
	if (line.len)
		str_addf(out, ": %s%s", from ? "…" : "", line.s + from);
	str_finish(&line);
}

static void fail(struct plugin *p, const char *reason, bool with_words)
{
	struct str text = {0};
	str_add(&text, reason);
	if (with_words)
		add_last_words(&text, &p->errors);
	const char *slash = strrchr(p->argv[0], '/');
	err_set(&p->err, ERR_REFUSED, "the credential plugin %.40s of user \"%.60s\" %s", slash ? slash + 1 : p->argv[0],
		p->user, str_text(&text));
	redact_err(p->of->redact, &p->err);
	str_finish(&text);
}

/* --- running --- */

static void on_told(void *);

static void tell_soon(struct credential_wait *w)
{
	loop_timer_set(w->of->loop, &w->timer, 0, on_told, w);
}

static void settle(struct plugin *p, int64_t fail_ms)
{
	p->born = clock_mono_ms();
	p->until = p->answer.serial ? INT64_MAX : p->born + fail_ms;
	str_finish(&p->errors);
	for (struct credential_wait *w = p->of->waits; w; w = w->next)
		if (w->plugin == p)
			tell_soon(w);
}

static void take_answer(struct plugin *p, const char *output, size_t len)
{
	char reason[400];
	struct err why = {0};
	if (read_answer(p, output, len, &why))
		return;
	forget_answer(p);
	snprintf(reason, sizeof(reason), "is of no use: %s", why.text);
	fail(p, reason, false);
}

/* Tells the face to run it, or, with approve, to ask whether it may; false: there is none. */
static bool hand_over(struct plugin *p, const char *const *env, const char *what, const char *approve)
{
	struct credentials *c = p->of;
	if (!c->deliver)
		return false;
	struct message *m = message_new(MESSAGE_TERMINAL, 0);
	p->ticket = ++c->tickets;
	m->terminal = (struct terminal_wish){.ticket = p->ticket, .argv = arena_dup_list(&m->arena, p->argv),
					     .env = arena_dup_list(&m->arena, env),
					     .why = arena_printf(&m->arena, "user \"%.80s\" of the kubeconfig %s", p->user, what),
					     .approve = approve ? arena_dup(&m->arena, approve) : NULL};
	c->deliver(m, c->arg);
	return true;
}

static bool lend(struct plugin *p)
{
	return hand_over(p, p->env_lent, "has to log in", NULL);
}

static void on_ended(int status, const char *output, size_t len, const struct err *err, void *arg)
{
	struct plugin *p = arg;
	char reason[60];
	p->exec = NULL; /* it is gone after this call */
	p->err = (struct err){0};
	if (err) {
		fail(p, "did not end within a minute and was killed", true);
	} else if (status != 0) {
		snprintf(reason, sizeof(reason), "ended with status %d", status);
		fail(p, reason, true);
	} else {
		take_answer(p, output, len);
	}
	if ((err || status != 0) && str_eq(p->mode, "IfAvailable") && lend(p))
		return;
	settle(p, CREDENTIAL_FAIL_MS);
}

static void not_started(struct plugin *p, int code)
{
	struct str reason = {0};
	if (code == ENOENT) {
		str_add(&reason, "is not installed");
		str_addf(&reason, "%s%.160s", p->hint ? ": " : "", p->hint ? p->hint : "");
	} else {
		str_addf(&reason, "cannot be started: %s", strerror(code));
	}
	for (char *c = reason.s; *c; c++)
		*c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
	fail(p, reason.s, false);
	str_finish(&reason);
	settle(p, CREDENTIAL_FAIL_MS);
}

static void run_captured(struct plugin *p)
{
	struct err err = {0};
	struct exec_wish wish = {.argv = p->argv, .env = p->env, .dir = ".", .limit_ms = CREDENTIAL_LIMIT_MS,
				 .errors = &p->errors, .is_persons = true};
	p->exec = exec_start(p->of->loop, &wish, on_ended, p, &err);
	if (!p->exec)
		not_started(p, err.code);
}

/* No command of a file runs before its person has seen and approved it. */
static void ask_consent(struct plugin *p)
{
	char reason[200];
	snprintf(reason, sizeof(reason),
		 "is not approved: fairway config plugins shows what it runs, and with --approve %s approves it",
		 p->consent.hash);
	fail(p, reason, false);
	p->is_asked_about = hand_over(p, p->consent.env, "logs in by a command", p->consent.hash);
	if (!p->is_asked_about)
		settle(p, CREDENTIAL_FAIL_MS);
}

static void run(struct plugin *p)
{
	forget_answer(p);
	p->answer.serial = 0;
	p->err = (struct err){0};
	p->is_renewal = p->is_refused;
	p->is_refused = false;
	if (!*p->consent.hash) {
		not_started(p, ENOENT);
	} else if (!consent_is_given(p->consent.hash)) {
		ask_consent(p);
	} else if (!str_eq(p->mode, "Always")) {
		run_captured(p);
	} else if (!lend(p)) {
		fail(p, "needs a terminal (interactiveMode: Always), and there is none", false);
		settle(p, CREDENTIAL_FAIL_MS);
	}
}

/* The person was asked whether it may run. */
static void take_consent(struct plugin *p, const struct terminal_answer *answer)
{
	p->is_asked_about = false;
	if (answer->refusal || answer->status != 0) {
		settle(p, CREDENTIAL_DECLINED_MS);
	} else if (consent_give(&p->consent, &p->err)) {
		run(p);
	} else {
		settle(p, CREDENTIAL_FAIL_MS);
	}
}

static bool is_running(const struct plugin *p)
{
	return p->exec || p->ticket;
}

void credentials_lender(struct credentials *c, void (*deliver)(struct message *, void *), void *arg)
{
	c->deliver = deliver;
	c->arg = arg;
}

void credentials_answer(struct credentials *c, const struct terminal_answer *answer)
{
	char reason[400];
	for (struct plugin *p = c->plugins; p; p = p->next) {
		if (!answer->ticket && !is_running(p) && !p->answer.serial)
			p->until = 0;
		if (!answer->ticket || p->ticket != answer->ticket)
			continue;
		p->ticket = 0;
		if (p->is_asked_about) {
			take_consent(p, answer);
			continue;
		}
		if (!answer->refusal && answer->status == 0) {
			p->err = (struct err){0};
			take_answer(p, answer->output, answer->len);
		} else if (!answer->refusal) {
			snprintf(reason, sizeof(reason), "ended with status %d in the terminal", answer->status);
			fail(p, reason, false);
		} else if (!p->err.kind) { /* else why it failed without a terminal tells more */
			snprintf(reason, sizeof(reason), "was not run: %.300s", answer->refusal);
			fail(p, reason, false);
		}
		settle(p, CREDENTIAL_DECLINED_MS);
	}
}

/* A quarter of its life, or a minute, before it expires; but one that is born old is given a try. */
static bool is_spent(const struct plugin *p)
{
	int64_t now = clock_mono_ms(), wall = clock_wall_ms();
	if (now >= p->until)
		return true;
	if (!p->answer.serial || !p->expires || now < p->born + CREDENTIAL_KEEP_MS)
		return false;
	int64_t life = p->expires - (wall - (now - p->born));
	return wall >= p->expires - (life > 240000 ? 60000 : life / 4);
}

/* --- waits --- */

static void forget(struct credential_wait *w)
{
	struct credential_wait **at = &w->of->waits;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_timer_clear(w->of->loop, &w->timer);
	free(w);
}

static void on_told(void *arg)
{
	struct credential_wait *w = arg;
	struct plugin *p = w->plugin;
	bool is_good = p && p->answer.serial;
	struct err err = p ? p->err : w->err;
	credential_told *told = w->told;
	void *told_arg = w->arg;
	forget(w);
	told(is_good ? &p->answer : NULL, is_good ? NULL : &err, told_arg);
}

static struct plugin *plugin_of(struct credentials *c, const struct kube_pick *pick, struct err *err)
{
	struct plugin *p = mem_alloc(sizeof(*p)), *known = c->plugins;
	p->of = c;
	bool is_good = describe(p, pick, err);
	while (is_good && known && !str_eq(known->key, p->key))
		known = known->next;
	if (!is_good || known) {
		arena_finish(&p->arena);
		free(p);
		return is_good ? known : NULL;
	}
	p->next = c->plugins;
	c->plugins = p;
	return p;
}

struct credential_wait *credential_ask(struct credentials *c, const struct kube_pick *pick, credential_told *told,
				       void *arg)
{
	struct credential_wait *w = mem_alloc(sizeof(*w));
	*w = (struct credential_wait){.of = c, .next = c->waits, .told = told, .arg = arg};
	w->plugin = plugin_of(c, pick, &w->err);
	c->waits = w;
	if (w->plugin && !is_running(w->plugin) && is_spent(w->plugin))
		run(w->plugin);
	if (!w->plugin || !is_running(w->plugin))
		tell_soon(w);
	return w;
}

void credential_cancel(struct credential_wait *w)
{
	if (w)
		forget(w);
}

bool credential_refused(struct credentials *c, uint64_t serial)
{
	for (struct plugin *p = c->plugins; p; p = p->next) {
		if (p->answer.serial != serial)
			continue;
		if (p->is_renewal && clock_mono_ms() < p->born + CREDENTIAL_FAIL_MS)
			return false;
		p->until = 0;
		p->is_refused = true;
		return true;
	}
	return true; /* it was replaced already */
}
