/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passphrases. While echo is off, signals that would end the process are held back: they are
 * delivered when the terminal is as it was, so a Ctrl-C at the prompt never leaves a terminal that
 * shows nothing.
 */
#include "os/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/descriptor.h"
#include "os/error.h"

void os_passphrase_wipe(struct os_passphrase *passphrase)
{
	if (passphrase != NULL)
		bytes_wipe(passphrase, sizeof(*passphrase));
}

bool os_terminal_is_input(void)
{
	return isatty(STDIN_FILENO) == 1;
}

bool os_terminal_is_output(void)
{
	return isatty(STDOUT_FILENO) == 1;
}

unsigned os_terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

/* Takes bytes up to a newline. AGAIN: no newline yet. */
static enum sotto_err passphrase_take(struct os_passphrase *passphrase, const char *bytes,
				      size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			return SOTTO_OK;
		if (bytes[i] == '\0')
			return SOTTO_ERR_FORMAT;
		if (passphrase->len == OS_PASSPHRASE_LEN_MAX)
			return SOTTO_ERR_LIMIT;
		passphrase->text[passphrase->len++] = bytes[i];
	}
	return SOTTO_ERR_AGAIN;
}

/* A line from the terminal, which gives whole lines; CLOSED if a signal came first. */
static enum sotto_err terminal_read_line(int terminal, int signals,
					 struct os_passphrase *passphrase)
{
	enum sotto_err err = SOTTO_ERR_AGAIN;

	while (err == SOTTO_ERR_AGAIN) {
		struct pollfd waits[2] = {{.fd = terminal, .events = POLLIN},
					  {.fd = signals, .events = POLLIN}};
		char bytes[256];
		ssize_t got;

		if (poll(waits, 2, -1) < 0 && errno != EINTR)
			return SOTTO_ERR_IO;
		if (waits[1].revents != 0)
			return SOTTO_ERR_CLOSED;
		if (waits[0].revents == 0)
			continue;
		got = read(terminal, bytes, sizeof(bytes));
		if (got > 0)
			err = passphrase_take(passphrase, bytes, (size_t)got);
		else if (got == 0 || errno != EINTR)
			err = SOTTO_ERR_CLOSED;
		bytes_wipe(bytes, sizeof(bytes));
	}
	return err;
}

static enum sotto_err terminal_ask(int terminal, int signals, const char *prompt,
				   struct os_passphrase *passphrase)
{
	struct termios before;
	struct termios silent;
	enum sotto_err err;

	FAIL_IF(tcgetattr(terminal, &before) != 0, SOTTO_ERR_NOT_FOUND);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	TRY(os_descriptor_write_at(terminal, UINT64_MAX, BYTES(prompt, strlen(prompt))));
	/* TCSAFLUSH: what was typed before the question is not an answer to it. */
	FAIL_IF(tcsetattr(terminal, TCSAFLUSH, &silent) != 0, SOTTO_ERR_IO);
	err = terminal_read_line(terminal, signals, passphrase);
	if (tcsetattr(terminal, TCSAFLUSH, &before) != 0 && err == SOTTO_OK)
		err = SOTTO_ERR_IO;
	/* The newline that was typed was not shown; that it cannot be written is no reason to
	 * refuse the answer. */
	(void)!write(terminal, "\n", 1);
out:
	return err;
}

enum sotto_err os_terminal_passphrase(const char *prompt, struct os_passphrase *out)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	struct os_passphrase passphrase = {.len = 0};
	sigset_t held;
	sigset_t before;
	int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int signals = -1;
	enum sotto_err err;

	if (terminal < 0)
		return SOTTO_ERR_NOT_FOUND;
	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaddset(&held, ending[i]);
	(void)sigprocmask(SIG_BLOCK, &held, &before);
	signals = signalfd(-1, &held, SFD_CLOEXEC);
	err = signals < 0 ? SOTTO_ERR_IO : terminal_ask(terminal, signals, prompt, &passphrase);
	os_descriptor_close(signals);
	os_descriptor_close(terminal);
	if (err == SOTTO_OK)
		*out = passphrase;
	os_passphrase_wipe(&passphrase);
	/* What was held back arrives here. */
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

enum sotto_err os_passphrase_from_file(const char *path, struct os_passphrase *out)
{
	struct os_passphrase passphrase = {.len = 0};
	char bytes[OS_PASSPHRASE_LEN_MAX + 1];
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum sotto_err err = SOTTO_ERR_AGAIN;

	if (descriptor < 0)
		return os_err_from_errno(errno);
	while (err == SOTTO_ERR_AGAIN) {
		ssize_t got = read(descriptor, bytes, sizeof(bytes));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = SOTTO_ERR_IO;
		else if (got == 0)
			err = SOTTO_OK; /* a last line without its newline */
		else
			err = passphrase_take(&passphrase, bytes, (size_t)got);
	}
	os_descriptor_close(descriptor);
	bytes_wipe(bytes, sizeof(bytes));
	if (err == SOTTO_OK)
		*out = passphrase;
	os_passphrase_wipe(&passphrase);
	return err;
}
