/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dangerous work in a process of its own: what reads a file that a stranger made (a picture, with three
 * libraries that nobody wrote for enemies) does it in a child that has entered a sandbox and can do
 * nothing but answer.
 */
#ifndef OS_ISOLATE_H
#define OS_ISOLATE_H

#include <stddef.h>

#include "base/error.h"
#include "os/sandbox.h"

#define OS_ISOLATED_LEN_MAX   65536 /* an answer */
#define OS_ISOLATED_CPU_S_MAX 60    /* of computing; then it is killed */

/* Runs in the child, sandboxed, with standard input and output closed. */
typedef enum sotto_err os_isolated_fn(void *context, char *out, size_t capacity, size_t *len);

/* Forks: only from a process of one thread. out (untouched on failure) gets what work gave, and the result is
 * work's. CLOSED: it died or was killed. IO: it could not be started or sandboxed. */
MUST_USE enum sotto_err os_isolated_run(enum os_profile profile, os_isolated_fn *work,
					void *context, char *out, size_t capacity, size_t *len);

#endif
