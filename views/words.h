/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_WORDS_H
#define VIEWS_WORDS_H
/*
 * How values are told on the screen, in one place: styles and signs of states, ages, who. UI thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"
#include "tui/style.h"

enum style words_health_style(int health);
enum style words_phase_style(int phase);       /* of an instance */
enum style words_severity_style(int severity);
enum style words_alert_style(const struct alert *); /* resolved and acked ones are dim */
enum style words_step_style(int step_state);
/* One column each, UTF-8. */
const char *words_step_sign(int step_state);   /* waiting · running ▶ done ✔ failed ✖ skipped - */
const char *words_deploy_sign(int deploy_state);
enum style words_deploy_style(int deploy_state);
const char *words_severity_sign(int severity);
/* "you" when it is who sits here, else the name; NULL gives "?". */
const char *words_who(const char *by);
/* Who is behind a deploy: as words_who(); "platform" for what the embedded platform did by itself, else "—". */
const char *words_deployer(const struct deploy *);
/* A sentence of the platform with "by you" for "by ME" (words_me(); NULL: nobody). The text itself when it
 * says nothing of them, or leaves no room for it, else what was put into room. */
#define WORDS_OWN 512
const char *words_own(const char *text, const char *me, char room[WORDS_OWN]);
/* The name that deploys and audits have for who sits here; NULL when there is none. One buffer, UI thread. */
const char *words_me(void);
/* "14:03:22" in local time. */
void words_time(int64_t wall_ms, char *out, size_t size);
/* A step's or deploy's share that is done: counts done and skipped steps. */
void words_progress(const struct parts *steps, int *done, int *total);
#endif
