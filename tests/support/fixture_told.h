/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FIXTURE_TOLD_H
#define TESTS_SUPPORT_FIXTURE_TOLD_H
/* What a message tells, as the lines that tests/support/fixture.h names. Appended. */
struct message;
struct str;
void fixture_tell(struct str *, const struct message *);
#endif
