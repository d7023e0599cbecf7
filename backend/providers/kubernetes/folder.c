/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/folder.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "model/version.h"

enum { TAG_FILES = KUBE_FOLDER_TAG, TAG_GIT };

static void ask_git(struct kube_folder *f, struct run *r)
{
	/* First whether anything is not committed. */
	static const char *const changed[] = {"status", "--porcelain", "--", ".", NULL};
	const char *argv[VERSION_GIT_WORDS + VERSION_WORDS] = {VERSION_GIT};
	if (f->question)
		version_question(f->question - 1, f->file.name, "HEAD", run_arena(r), argv + VERSION_GIT_WORDS);
	else
		memcpy(argv + VERSION_GIT_WORDS, changed, sizeof(changed));
	run_ask(r, &(struct ask){.kind = ASK_EXEC,
				 .tag = TAG_GIT,
				 .argv = argv,
				 .folder = f->path,
				 .drops_stderr = true});
}

void kube_folder_start(struct kube_folder *f, struct run *r, const char *path, bool wants_version)
{
	f->path = path;
	f->wants_version = wants_version;
	run_ask(r, &(struct ask){
			   .kind = ASK_FILES, .tag = TAG_FILES, .folder = path, .suffix = SERVICE_FILE_NAME});
}

static void call_by_time(struct kube_folder *f, struct run *r, const char *before)
{
	time_t now = (time_t)(run_now(r) / 1000);
	struct tm tm;
	char stamp[32];
	if (!gmtime_r(&now, &tm) || !strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm))
		str_copy(stamp, sizeof(stamp), "now");
	const char *text = *before ? arena_printf(run_arena(r), "%.80s-dirty-%s", before, stamp) : stamp;
	str_copy(f->version, sizeof(f->version), text);
	f->is_by_time = true;
}

/* No character that an image's tag does not take. */
static void take_version(struct kube_folder *f, struct run *r, const struct input *in)
{
	char *name = arena_dup(run_arena(r), version_answer(f->file.name, in->data, in->len, run_arena(r)));
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
			*c = '-';
	if (f->is_by_time)
		call_by_time(f, r, name);
	else
		str_copy(f->version, sizeof(f->version), name);
}

static enum kube_looked on_git(struct kube_folder *f, struct run *r, const struct input *in)
{
	bool is_good = in->kind == INPUT_END && in->status == 0;
	if (f->question == 0 && !is_good) { /* there is no git, or no repository */
		call_by_time(f, r, "");
		return KUBE_LOOKED;
	}
	if (f->question == 0) {
		f->is_by_time = in->len > 0;
	} else if (is_good) {
		take_version(f, r, in);
		return KUBE_LOOKED;
	}
	if (++f->question <= VERSION_QUESTIONS) {
		ask_git(f, r);
		return KUBE_LOOKS_ON;
	}
	call_by_time(f, r, ""); /* nothing is committed yet */
	return KUBE_LOOKED;
}

static enum kube_looked on_file(struct kube_folder *f, const struct input *in, struct err *err)
{
	struct complaints wrong = {0};
	if (!str_eq(in->name, SERVICE_FILE_NAME))
		return KUBE_LOOKS_ON;
	if (in->err) {
		*err = *in->err;
		return KUBE_LOOKED_IN_VAIN;
	}
	hash_sha256_hex(in->data, in->len, f->hash);
	if (service_file_parse(&f->file, SERVICE_FILE_NAME, in->data, in->len, &wrong))
		return KUBE_LOOKS_ON;
	err_set(err, ERR_USAGE, "%s", wrong.text);
	complaints_finish(&wrong);
	return KUBE_LOOKED_IN_VAIN;
}

enum kube_looked kube_folder_on(struct kube_folder *f, struct run *r, const struct input *in, struct err *err)
{
	if (in->tag == TAG_GIT)
		return on_git(f, r, in);
	if (in->kind == INPUT_UNIT)
		return on_file(f, in, err);
	if (in->kind == INPUT_FAIL) {
		*err = *in->err;
		return KUBE_LOOKED_IN_VAIN;
	}
	if (!f->file.name) {
		err_set(err, ERR_NOT_FOUND, "%s holds no " SERVICE_FILE_NAME, f->path);
		return KUBE_LOOKED_IN_VAIN;
	}
	if (!f->wants_version)
		return KUBE_LOOKED;
	ask_git(f, r);
	return KUBE_LOOKS_ON;
}

void kube_folder_finish(struct kube_folder *f)
{
	service_file_finish(&f->file);
}
