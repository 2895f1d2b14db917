/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone's processes say of themselves, one line each, to standard error: the journal, or the terminal
 * with -v. Never an address, a name, an extension, a text or a key: a log outlives what it speaks of.
 */
#ifndef PHONE_LOG_H
#define PHONE_LOG_H

void phone_log(const char *program, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
