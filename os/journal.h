/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's journal as a descriptor to write lines to: the stream socket that systemd-cat uses. Whoever
 * writes there says no address and no name of anybody.
 */
#ifndef OS_JOURNAL_H
#define OS_JOURNAL_H

#include "base/error.h"

/* identifier: the program's name. NOT_FOUND: this machine has no journal. Close-on-exec. */
MUST_USE enum sotto_err os_journal_open(const char *identifier, int *descriptor);

#endif
