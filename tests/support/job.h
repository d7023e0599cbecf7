/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_JOB_H
#define TESTS_SUPPORT_JOB_H
/*
 * A shell with job control, as far as one job needs it: runs argv in a foreground group of its own; when
 * it stops, takes the terminal, writes "[stopped]", waits for a byte and continues it in the foreground.
 * Must be the session's leader.
 */
int job_run(const char *const *argv); /* the job's exit status, or 128 + signal */
#endif
