/* SPDX-License-Identifier: Apache-2.0 */
/* Which image a service.yaml is brought with: the one that is named, or one that the configuration's program
 * builds. */
#include <string.h>

#include "backend/providers/kubernetes/apply_plan.h"
#include "backend/providers/kubernetes/object.h"
#include "model/version.h"

static bool is_whole_image(const char *version)
{
	return strchr(version, '/') || (strchr(version, ':') && !str_starts(version, "sha256:"));
}

static bool is_word(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c >= 0x7F)
			return false;
	return *text;
}

static const char *image_named(struct kube_apply_plan *p, const char *prefix, const char *version)
{
	size_t len = strlen(prefix);
	while (len && prefix[len - 1] == '/')
		len--;
	return arena_printf(&p->arena, "%.*s/%s%c%s", (int)len, prefix, p->folder.file.name,
			    str_starts(version, "sha256:") ? '@' : ':', version);
}

/* The image of what runs, with that version; NULL after refusing. */
static const char *image_beside(struct kube_apply_plan *p, const char *version)
{
	struct kube_workload w;
	struct err err;
	const cJSON *live = p->live[MANIFEST_DEPLOYMENT];
	const char *image = NULL;
	if (!live || !kube_workload_read(KUBE_DEPLOYMENT, live, &p->arena, &w) || !w.image)
		kube_apply_refuse(
			p, ERR_USAGE,
			arena_printf(&p->arena,
				     "which image is version %s? Say images: in the configuration of "
				     "this source, or the whole image",
				     version));
	else if (!(image = image_with(w.image, version, &p->arena, &err)))
		kube_apply_refuse(p, err.kind, arena_dup(&p->arena, err.text));
	return image;
}

static const char *setting(struct run *r, const char *name)
{
	const struct setting *s = run_setting(r, name);
	return s && !str_empty(s->text) ? s->text : NULL;
}

const char *kube_apply_image(struct kube_apply_plan *p, struct run *r)
{
	const struct wish *w = &run_request(r)->wish;
	const char *version = w->version, *prefix = setting(r, "images"), *builder = setting(r, "builder");
	if (!version && str_eq(w->action, "promote")) {
		kube_apply_refuse(
			p, ERR_NOT_FOUND,
			arena_printf(&p->arena,
				     "nothing is known of %s in %s: there is no release to bring on",
				     p->folder.file.name, w->from ? w->from : "the environment before"));
		return NULL;
	}
	if (version && !is_word(version)) {
		kube_apply_refuse(p, ERR_USAGE,
				  arena_printf(&p->arena, "\"%.100s\" is no name of an image", version));
		return NULL;
	}
	if (version && is_whole_image(version))
		return arena_dup(&p->arena, version);
	if (version)
		return prefix ? image_named(p, prefix, version) : image_beside(p, version);
	if (!builder || !prefix) {
		kube_apply_refuse(
			p, ERR_USAGE,
			"there is no image: name one with --image, or say builder: and images: in the "
			"configuration of this source");
		return NULL;
	}
	p->basis.is_built = true;
	kube_apply_say(&p->changes,
		       arena_printf(&p->arena, "the image %s is built by %s %s",
				    image_named(p, prefix, p->folder.version), builder, p->folder.path));
	kube_apply_say(&p->warnings,
		       arena_printf(&p->arena,
				    "%s is the program of your configuration: what it runs is its matter",
				    builder));
	if (p->folder.is_by_time)
		kube_apply_say(&p->warnings,
			       "not all of the folder is committed: the version is called by the time");
	return image_named(p, prefix, p->folder.version);
}
