/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of service.yaml: as written, as the language has it, as approved. */
#include <string.h>

#include "model/service_parse.h"

/* One row a language; %s is the service's name. A new language is one row. */
static const struct language {
	const char *name;
	const char *build, *run; /* shell lines; NULL: none */
} languages[] = {
	{"go", "go build -o %s .", "exec ./%s"},
	/* Only where tests are: unittest without any is an error from Python 3.12 on. */
	{"python",
	 "for t in test*.py tests/__init__.py; do test ! -e \"$t\" || exec python3 -m unittest; done",
	 "exec python3 main.py"},
	{"node", "npm ci && npm run test --if-present", "exec node index.js"},
	{"c", "make", "exec ./%s"},
	{"shell", NULL, "exec ./run.sh"},
};
#define N_LANGUAGES (sizeof(languages) / sizeof(languages[0]))

static struct service_command shell_command(struct arena *arena, const char *line)
{
	const char **argv = arena_alloc(arena, 4 * sizeof(*argv));
	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = line;
	return (struct service_command){.text = line, .argv = argv, .is_shell = true};
}

static void add_shell_word(struct str *s, const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
	if (*word && strspn(word, safe) == strlen(word)) {
		str_add(s, word);
		return;
	}
	str_addc(s, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			str_add(s, "'\\''");
		else
			str_addc(s, *word);
	}
	str_addc(s, '\'');
}

void service_parse_command(struct service_parser *p, const struct yaml_node *n, struct service_command *out)
{
	struct yaml_texts argv;
	const char *line;
	if (n->kind == YAML_TEXT) {
		if (yaml_as_prose(&p->y, n, &line) && *line)
			*out = shell_command(p->y.arena, line);
		else
			yaml_complain(&p->y, n, "is empty: leave the key out instead");
		return;
	}
	if (n->kind == YAML_MAP) {
		yaml_complain(&p->y, n, "must be a shell line, or a list: the program and its arguments");
		return;
	}
	if (!yaml_as_texts(&p->y, n, &argv))
		return;
	if (argv.count == 0 || !*argv.items[0]) {
		yaml_complain(&p->y, n, "names no program: the first element is the program");
		return;
	}
	struct str s = {0};
	for (size_t i = 0; i < argv.count; i++) {
		if (i)
			str_addc(&s, ' ');
		add_shell_word(&s, argv.items[i]);
	}
	*out = (struct service_command){.text = arena_dup(p->y.arena, str_text(&s)), .argv = argv.items};
	str_finish(&s);
}

static void add_default(struct service_parser *p, struct service_command *out, const char *line)
{
	if (out->argv || !line)
		return;
	struct str s = {0};
	const char *place = strstr(line, "%s");
	str_addn(&s, line, place ? (size_t)(place - line) : strlen(line));
	if (place) {
		str_add(&s, p->file->name);
		str_add(&s, place + 2);
	}
	*out = shell_command(p->y.arena, arena_dup(p->y.arena, str_text(&s)));
	out->is_default = true;
	str_finish(&s);
}

void service_add_language(struct service_parser *p, const struct yaml_node *node)
{
	const char *names[N_LANGUAGES];
	for (size_t i = 0; i < N_LANGUAGES; i++) {
		names[i] = languages[i].name;
		if (!str_eq(p->file->language, languages[i].name))
			continue;
		/* A file that says run: but not build: wants nothing built. */
		if (!p->file->run.argv)
			add_default(p, &p->file->build, languages[i].build);
		add_default(p, &p->file->run, languages[i].run);
		return;
	}
	if (p->file->language && !p->file->run.argv) {
		const char *near = str_nearest(p->file->language, names, N_LANGUAGES);
		yaml_complain(&p->y, node,
			      "no defaults for this language (there are go, python, node, c, shell): "
			      "say run:%s%s%s",
			      near ? ", or did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
}

size_t service_file_steps(const struct service_file *f, struct service_step steps[SERVICE_STEPS])
{
	size_t n = 0;
	if (f->build.argv)
		steps[n++] = (struct service_step){"build", &f->build};
	if (f->run.argv)
		steps[n++] = (struct service_step){"run", &f->run};
	return n;
}

void service_file_approval(const struct service_file *f, const char *environment, const char *folder,
                           char hex[HASH_HEX])
{
	struct service_step steps[SERVICE_STEPS];
	size_t n = service_file_steps(f, steps);
	struct hash h;
	hash_start(&h);
	hash_add_field(&h, "fairway approval 1");
	hash_add_field(&h, environment);
	hash_add_field(&h, folder);
	for (size_t i = 0; i < n; i++) {
		hash_add_field(&h, steps[i].purpose);
		for (const char *const *word = steps[i].command->argv; *word; word++)
			hash_add_field(&h, *word);
		hash_add_field(&h, NULL);
	}
	hash_finish_hex(&h, hex);
}

bool service_file_can_run(const struct service_file *f, struct err *err)
{
	if (f->run.argv)
		return true;
	return err_set(err, ERR_USAGE, "%s has no command to run: say run: or language: in its %s", f->name,
	               SERVICE_FILE_NAME);
}
