/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_KUBECONFIG_PRIVATE_H
#define BACKEND_KUBECONFIG_PRIVATE_H
/* Shared by kubeconfig.c (which files, which entry), kubeconfig_read.c (one file) and kubeconfig_print.c. */
#include "backend/kubeconfig.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/yaml.h"

enum field_type {
	FIELD_TEXT,       /* const char *: NULL when empty */
	FIELD_BYTES,      /* struct kube_bytes, in base64 */
	FIELD_BOOL,
	FIELD_TEXTS,      /* struct kube_texts */
	FIELD_LISTS,      /* const struct yaml_node *: map of lists of texts */
	FIELD_PAIRS,      /* map of texts */
	FIELD_VARIABLES,  /* list of name, value */
	FIELD_EXTENSIONS, /* list of name, extension */
	FIELD_EXEC,       /* const struct kube_exec * */
	FIELD_PROVIDER,   /* const struct kube_provider * */
};
struct kube_field { /* one row: how it is read and printed */
	const char *key;
	size_t at;
	enum field_type type;
	bool is_always;   /* printed even when it is empty */
	bool is_secret;
};
struct kube_head {
	const char *name, *folder;
};
enum entry_kind { ENTRY_CLUSTER, ENTRY_USER, ENTRY_CONTEXT, ENTRY_KINDS };
struct entry_class { /* the struct of an entry begins with struct kube_head */
	const char *list, *key; /* "clusters", "cluster" */
	size_t size;
	const struct kube_field *fields;
	size_t n;
};
extern const struct entry_class kube_classes[ENTRY_KINDS];
extern const struct entry_class kube_exec_class, kube_provider_class;

struct found { /* an entry of a file */
	const char *name;
	size_t file, order;
	void *entry;
};
struct kube_reader {
	struct arena *arena;
	struct complaints *complaints;
	struct found *found[ENTRY_KINDS]; /* of all files so far; free() them */
	size_t n_found[ENTRY_KINDS];
	const char *current; /* of the first file that sets it */
	size_t file;         /* which one is being read */
};
/* name: absolute. Complains about all that is wrong. */
void kube_read(struct kube_reader *, const char *name, const char *bytes, size_t len);

enum scalar { SCALAR_TEXT, SCALAR_NULL, SCALAR_BOOL, SCALAR_NUMBER };
/* What a plain text is to go-yaml 2, by YAML 1.1. */
enum scalar kube_scalar(const struct yaml_node *);
bool kube_true(const struct yaml_node *);             /* of a SCALAR_BOOL */
void kube_number(struct str *, const struct yaml_node *); /* of a SCALAR_NUMBER, as JSON has it */
const char *kube_text(const struct yaml_node *);      /* "" for NULL and null */
#endif
