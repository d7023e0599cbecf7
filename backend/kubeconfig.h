/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_KUBECONFIG_H
#define BACKEND_KUBECONFIG_H
/*
 * kubeconfig files as kubectl reads them (client-go 0.36, tools/clientcmd): which files, how they merge, what is
 * relative to what, what is refused. Nothing is run and no server is asked here.
 *
 * Files: the one that is named, which must exist and replaces all others; else those of KUBECONFIG, a list with
 * ':', of which missing ones are skipped; else ~/.kube/config. A cluster, user or context belongs whole to the
 * first file that names it; the current context is that of the first file that sets one. Relative paths start at
 * the folder of the file that holds them. Unknown keys are skipped; a value of the wrong type refuses the file.
 *
 * Unlike kubectl, a file that others can write is refused: it names commands that run as us. At most
 * KUBECONFIG_MAX_BYTES a file. Errors never repeat a value, which may be a secret. The process is hardened before
 * the first file is read (base/harden.h). A struct kubeconfig is const once loaded; any thread.
 */
#include <stdbool.h>
#include <stddef.h>

struct cJSON;
struct err;
struct kubeconfig;
struct str;
struct yaml_node;

#define KUBECONFIG_MAX_BYTES (16 * 1024 * 1024)

struct kube_bytes { /* decoded; data NULL: unsaid. A NUL follows */
	const char *data;
	size_t len;
};
struct kube_texts { /* items NULL: unsaid, as null is */
	const char *const *items;
	size_t n;
};
/* Texts are NULL when they are unsaid or empty. */
struct kube_cluster {
	const char *name, *folder; /* where its paths start, absolute: kubeconfig_path() */
	const char *server, *tls_name, *ca_file, *proxy;
	struct kube_bytes ca;
	bool is_insecure, is_uncompressed;
	const struct yaml_node *extensions; /* list of name, extension; may be NULL */
};
struct kube_exec { /* a credential plugin */
	const char *command; /* with a '/' a path, which starts where those of its user do; else to be found in PATH */
	struct kube_texts args;
	const struct yaml_node *env; /* list of name, value; may be NULL */
	const char *api, *hint, *interactive; /* Never, IfAvailable, Always */
	bool wants_cluster;
};
struct kube_provider { /* auth-provider, of old */
	const char *name;
	const struct yaml_node *config; /* map of texts; may be NULL */
};
struct kube_user {
	const char *name, *folder;
	const char *cert_file, *key_file, *token_file;
	struct kube_bytes cert, key;
	const char *token, *username, *password;
	const char *as, *as_uid;
	struct kube_texts as_groups;
	const struct yaml_node *as_extra; /* map of lists of texts; may be NULL */
	const struct kube_provider *provider;
	const struct kube_exec *exec;
	const struct yaml_node *extensions;
};
struct kube_context {
	const char *name, *folder;
	const char *cluster, *user, *namespace;
	const struct yaml_node *extensions;
};
struct kube_pick { /* what a context stands for; cluster and user NULL: it names none */
	const struct kube_context *context;
	const struct kube_cluster *cluster;
	const struct kube_user *user;
};

/* file NULL: those of the environment. NULL with err: one of them cannot be used. */
struct kubeconfig *kubeconfig_load(const char *file, struct err *);
/* The same of one file's bytes; name: absolute. */
struct kubeconfig *kubeconfig_parse(const char *name, const void *bytes, size_t len, struct err *);
void kubeconfig_free(struct kubeconfig *); /* NULL is fine */
/* Whether loading would read the same again: neither files nor environment changed since. */
bool kubeconfig_is_current(const struct kubeconfig *);
/* None of the files is there, or all of them are empty. */
bool kubeconfig_is_absent(const struct kubeconfig *);
const char *kubeconfig_files(const struct kubeconfig *); /* their names, for sentences */

const struct kube_context *kubeconfig_contexts(const struct kubeconfig *, size_t *n); /* by name */
const char *kubeconfig_current(const struct kubeconfig *); /* NULL: none is set */

/* context NULL: the current one. False with err when it, its cluster or its user is not there. */
bool kubeconfig_pick(const struct kubeconfig *, const char *context, struct kube_pick *, struct err *);
/* Whether a client can be made of it: kubectl's own rules. */
bool kubeconfig_check(const struct kube_pick *, struct err *);
/* As `kubectl config view --minify --flatten -o json`, without preferences and extensions of the file itself.
 * Secrets become REDACTED and certificates DATA+OMITTED unless is_raw. NULL with err. The caller
 * cJSON_Delete()s it. */
struct cJSON *kubeconfig_view(const struct kube_pick *, bool is_raw, struct err *);
/* A YAML value as JSON; numbers as they are written where JSON has such. The caller cJSON_Delete()s it. */
struct cJSON *kubeconfig_json(const struct yaml_node *);
/* The first child of a list whose name is that, or NULL. */
const struct yaml_node *kubeconfig_named(const struct yaml_node *list, const char *name);
/* A path of an entry, from its folder and without "." and ".."; an absolute one as it is. free() it. */
char *kubeconfig_path(const char *folder, const char *path);
/* A certificate, key or token: the data, else the bytes of the file (path as kubeconfig_path() made it; a regular one
 * of at most 1 MiB). False with err. out is appended to, and stays empty when neither is said. what: "the
 * client-key", for sentences. */
bool kubeconfig_bytes(const struct kube_bytes *, const char *path, const char *what, struct str *out, struct err *);
#endif
