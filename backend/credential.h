/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_CREDENTIAL_H
#define BACKEND_CREDENTIAL_H
/*
 * Credential plugins of kubeconfigs (client.authentication.k8s.io/v1 and v1beta1, client-go 0.36): a command that
 * prints who we are. One runs at a time for each entry, whoever asks; what it printed is kept until shortly before
 * it expires, or until a server refused it; its failure for CREDENTIAL_FAIL_MS. It gets the person's environment, the
 * variables of its entry and KUBERNETES_EXEC_INFO, no input, and CREDENTIAL_LIMIT_MS; the end of what it wrote to
 * standard error is in the sentence when it fails.
 *
 * A plugin that must ask its person (interactiveMode Always), or may and failed without (IfAvailable), is run by the
 * face in the terminal (MESSAGE_TERMINAL); one that was put off or failed there is left alone for
 * CREDENTIAL_DECLINED_MS, or until it is asked for again (credentials_answer() with ticket 0).
 *
 * Every secret is told to the redactor before anybody sees it. Backend thread only.
 */
#include <stdbool.h>
#include <stdint.h>

struct credential_wait;
struct credentials;
struct err;
struct message;
struct kube_pick;
struct loop;
struct redact;
struct terminal_answer;

#define CREDENTIAL_LIMIT_MS 60000
#define CREDENTIAL_FAIL_MS 30000
#define CREDENTIAL_DECLINED_MS (10 * 60 * 1000)
#define CREDENTIAL_KEEP_MS 10000 /* so long any answer is kept, unless it is refused */

struct credential { /* a token, a certificate and its key, or both */
	const char *token;              /* or NULL */
	const char *cert_pem, *key_pem; /* both or neither */
	uint64_t serial;                /* never 0: of this answer */
};

/* serial: the newest one given out, here and by others; borrowed, as the first two, until credentials_free(). */
struct credentials *credentials_new(struct loop *, struct redact *, uint64_t *serial);
void credentials_free(struct credentials *); /* nobody may wait any more; NULL is fine */

void credentials_lender(struct credentials *, void (*deliver)(struct message *, void *arg), void *arg);
void credentials_answer(struct credentials *, const struct terminal_answer *);

/* Borrowed for the call; NULL with err. The wait is gone after it. */
typedef void credential_told(const struct credential *, const struct err *, void *arg);
/* The plugin of pick's user, which has one. The pick is borrowed for the call only. Never calls told before it
 * returns. */
struct credential_wait *credential_ask(struct credentials *, const struct kube_pick *, credential_told *, void *arg);
void credential_cancel(struct credential_wait *); /* silent; NULL is fine */
/* A server refused it: the plugin runs anew for the next one who asks. An answer that came after such a refusal is
 * kept for CREDENTIAL_FAIL_MS, whatever a server says of it: then this is false. */
bool credential_refused(struct credentials *, uint64_t serial);
#endif
