/* SPDX-License-Identifier: Apache-2.0 */
/* fairway platform install: a systemd user unit, so that a platform outlives logout and reboot. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/config.h"
#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/platform.h"

#define CHECK_MS 10000
#define CHECK_MAX 4096

/* One quoted word of a unit, systemd.syntax(7) and systemd.service(5), COMMAND LINES: % and $ are doubled. */
static void add_word(struct str *out, const char *text)
{
	str_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			str_addc(out, '\\');
		else if (*text == '%' || *text == '$')
			str_addc(out, *text);
		str_addc(out, *text);
	}
	str_addc(out, '"');
}

static void add_environment(struct str *out, const char *name)
{
	const char *value = getenv(name);
	struct str pair = {0};
	if (str_empty(value) || strchr(value, '\n'))
		return;
	str_addf(&pair, "%s=%s", name, value);
	str_add(out, "Environment=");
	/* In Environment= a $ is no variable (systemd.exec(5)): only % is special. */
	str_addc(out, '"');
	for (const char *c = str_text(&pair); *c; c++) {
		if (*c == '"' || *c == '\\')
			str_addc(out, '\\');
		else if (*c == '%')
			str_addc(out, '%');
		str_addc(out, *c);
	}
	str_add(out, "\"\n");
	str_finish(&pair);
}

static void make_unit(struct str *out, const char *name, const char *program, const char *root)
{
	str_addf(out, "# Made by fairway platform install.\n"
	              "[Unit]\n"
	              "Description=fairway platform %s\n"
	              "\n"
	              "[Service]\n"
	              "Type=exec\n"
	              "ExecStart=", name);
	add_word(out, program);
	str_add(out, " --keeper ");
	add_word(out, root);
	str_add(out, "\n");
	add_environment(out, "PATH");
	/* The keeper alone is signalled: instances outlive it, as they do everywhere. */
	str_add(out, "Restart=on-failure\n"
	             "RestartSec=1\n"
	             "KillMode=process\n"
	             "\n"
	             "[Install]\n"
	             "WantedBy=default.target\n");
}

/* What systemd-analyze says about the unit; 0 when it is content, or not there. */
static int check_unit(struct cli *cli, const char *path)
{
	const char *argv[] = {"systemd-analyze", "verify", path, NULL};
	char **env = child_env_new(NULL);
	char text[CHECK_MAX];
	int ends[2];
	struct child child = {.pidfd = -1};
	struct child_end end = {0};
	struct err err = {0};
	if (pipe2(ends, O_CLOEXEC) != 0) {
		child_env_free(env);
		return 0;
	}
	struct child_start start = {.argv = argv, .env = (const char *const *)env, .err = ends[1]};
	bool is_started = child_start(&start, &child, &err);
	close(ends[1]);
	child_env_free(env);
	int status = 0;
	if (!is_started) {
		cli_tell(cli, "systemd-analyze is not here: the unit was not checked");
	} else if (child_wait_for(&child, CHECK_MS, &end) != CHILD_ENDED) {
		child_signal_session(&child, SIGKILL);
		child_wait_for(&child, CHECK_MS, &end);
		cli_tell(cli, "systemd-analyze did not end in time: the unit was not checked");
	} else if (end.status != 0) {
		ssize_t n = read(ends[0], text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		status = cli_refuse(cli, ERR_FAILED, "systemd-analyze verify complains of %s: %s", path, text);
	}
	close(ends[0]);
	return status;
}

static char *unit_folder(struct err *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct str path = {0};
	if (config && config[0] == '/')
		str_addf(&path, "%s/systemd/user", config);
	else if (home && home[0] == '/')
		str_addf(&path, "%s/.config/systemd/user", home);
	else
		err_set(err, ERR_USAGE, "neither XDG_CONFIG_HOME nor HOME is an absolute path");
	return path.len ? str_detach(&path) : NULL;
}

static int write_unit(struct cli *cli, const char *folder, const char *program, const char *root)
{
	struct err err = {0};
	const char *name = cli->config->context->name;
	struct str file = {0}, unit = {0}, path = {0};
	int status = 0;
	str_addf(&file, "fairway-%s.service", name);
	str_addf(&path, "%s/%s", folder, str_text(&file));
	make_unit(&unit, name, program, root);
	int dir = file_folder(folder, &err);
	if (dir < 0 || !file_replace(dir, str_text(&file), str_text(&unit), unit.len, false, &err))
		status = cli_fail(cli, &err);
	else
		status = check_unit(cli, str_text(&path));
	if (dir >= 0)
		close(dir);
	if (!status) {
		output_line(str_text(&path));
		cli_tell(cli, "start it now and at every login: systemctl --user enable --now %s", str_text(&file));
		cli_tell(cli, "keep it after logout:            loginctl enable-linger");
	}
	str_finish(&file);
	str_finish(&unit);
	str_finish(&path);
	return status;
}

int platform_install(struct cli *cli)
{
	struct err err = {0};
	const char *root = cli->config->context->platform_root;
	char program[4096];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (n <= 0)
		return cli_refuse(cli, ERR_FAILED, "cannot tell where this program lies: %s", strerror(errno));
	program[n] = '\0';
	char *folder = unit_folder(&err);
	if (!folder)
		return cli_fail(cli, &err);
	int status = write_unit(cli, folder, program, root);
	free(folder);
	return status;
}
