/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FIXTURE_H
#define TESTS_SUPPORT_FIXTURE_H
/*
 * Drives one query of a provider with a script, on a clock that only the script moves. No socket, no
 * thread.
 *
 *	# a comment
 *	provider platform
 *	request watch services,instances     | read instances,services [services] (by name only) | logs SERVICE [follow] [previous] [tail=N] [since=RFC3339] [instance=I] | document runbook SERVICE [NAME] | document spec SERVICE
 *	                                     | use SERVICE [follow] | series | audit | info | plan ACTION | execute PLAN | undo ID | shutdown
 *	wish JSON                            of plan and execute, instead of their words; before the request
 *	basis JSON                           of the plan that is executed; before the request
 *	option NAME VALUE                    of the source's configuration; before the request
 *	> GET /v1/… [as TYPE]                the client must have sent exactly that, TYPE in its Accept; what it sends at the same time, in any order
 *	> nothing                            it must have sent nothing else
 *	@ GET /v1/…                          what follows is of an exchange that is open already, by how it begins
 *	< 200 Name: value; Name: value       the head of the reply
 *	<< text                              bytes of the reply and a LF; \xHH, \n and \\ are read; "<- text": without the LF
 *	! eof | reset | refused | lost       how the exchange ends; lost: a write that may have arrived
 *	! gone                               the client itself must have given the exchange up
 *	terminal N                           the child that was lent the terminal ended with status N
 *	+ 30s                                time passes
 *	= line                               what the client told since the last such block, line by line
 *
 * What is told: begin KIND, put KIND JSON, delete KIND KEY, sync KIND, source STATE[: error], settled, log
 * INSTANCE TEXT, gap|exit|start|cut TEXT, document TEXT, use of SOURCE, use INSTANCE CPU MEMORY, series …, info …, audit …, plan JSON, operation
 * JSON, terminal WORD…, done [KIND: error].
 */
#include <stdbool.h>
#include <stddef.h>

#define FIXTURE_WHOLE 0
/*
 * Runs the script. cut: FIXTURE_WHOLE feeds neighbouring bytes at once; k > 0 breaks them after byte k of
 * the script's reply bytes, -1 after each byte. False with a message for the test's output (with the
 * line's number).
 */
bool fixture_run(const char *script, size_t len, int cut, char message[4096]);
struct query;
/* The same with a query that is in no provider's list. */
bool fixture_run_query(const struct query *, const char *script, size_t len, int cut, char message[4096]);
/* How many reply bytes a script has: cuts from 1 to this minus 1 make sense. */
int fixture_bytes(const char *script, size_t len);
#endif
