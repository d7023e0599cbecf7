/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_NOISE_H
#define TESTS_SUPPORT_NOISE_H
/* Random screens, the same for the same seed: the tool draws one on a terminal, the test in a grid, and
 * both must show it. */
struct canvas;
void noise_draw(const struct canvas *, unsigned seed);
#endif
