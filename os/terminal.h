/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal, for the command: is there one, and a passphrase typed without being shown. A
 * passphrase is a secret of variable length, longer than any key: it has a type of its own.
 */
#ifndef OS_TERMINAL_H
#define OS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define OS_PASSPHRASE_LEN_MAX 1024

struct os_passphrase {
	char text[OS_PASSPHRASE_LEN_MAX + 1]; /* terminated */
	size_t len;
};

void os_passphrase_wipe(struct os_passphrase *passphrase);

bool os_terminal_is_input(void);  /* standard input */
bool os_terminal_is_output(void); /* standard output */

/* Columns of standard output; 80 if unknown. */
unsigned os_terminal_columns(void);

/* Writes the prompt to /dev/tty and reads a line from it with echo off, which is restored on every
 * path, signals too. NOT_FOUND: there is no terminal. LIMIT: too long. CLOSED: end of file, or
 * interrupted by the user. */
MUST_USE enum sotto_err os_terminal_passphrase(const char *prompt,
					       struct os_passphrase *passphrase);

/* The first line of a file (--passphrase-file). NOT_FOUND, LIMIT, FORMAT (contains 0), IO. */
MUST_USE enum sotto_err os_passphrase_from_file(const char *path, struct os_passphrase *passphrase);

#endif
