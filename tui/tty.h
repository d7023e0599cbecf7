/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_TTY_H
#define TUI_TTY_H
/* The terminal's device: how it is opened, set and measured. Any thread. */
#include <termios.h>

/* -1 with errno; the caller closes it. Writes do not wait. */
int tty_open(void);
struct termios tty_raw(const struct termios *cooked);
/* 24 by 80 where it does not say. */
void tty_size(int fd, int *rows, int *columns);
#endif
