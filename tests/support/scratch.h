/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H
/* A folder of a test's own below TMPDIR. */
char *scratch_new(void);          /* its path; asserts */
void scratch_remove(char *path);  /* with all that is in it; frees the path; NULL is allowed */
#endif
