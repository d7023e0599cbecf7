/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/tty.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#define ROWS_UNKNOWN 24
#define COLUMNS_UNKNOWN 80

/* A file description of our own: O_NONBLOCK on the shared one would reach the shell. /dev/tty for where the
 * first is not ours to open (after su). */
int tty_open(void)
{
	int fd = open("/proc/self/fd/1", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : open("/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

struct termios tty_raw(const struct termios *cooked)
{
	struct termios raw = *cooked;
	raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | IXON | PARMRK);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return raw;
}

void tty_size(int fd, int *rows, int *columns)
{
	struct winsize size = {0};
	ioctl(fd, TIOCGWINSZ, &size);
	*rows = size.ws_row > 0 ? size.ws_row : ROWS_UNKNOWN;
	*columns = size.ws_col > 0 ? size.ws_col : COLUMNS_UNKNOWN;
}
