/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for long-lived keys, by libsodium: pages of its own between guard pages, a canary before it, kept
 * out of core dumps, and out of swap where the limit of locked memory allows. It is a few pages for each
 * piece: for the handful of keys that live as long as a process, not for a key a message.
 */
#ifndef CRYPTO_GUARDED_H
#define CRYPTO_GUARDED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum guarded_access {
	GUARDED_NONE, /* any access ends the process */
	GUARDED_READ,
	GUARDED_WRITE, /* and read: what guarded_create gives */
};

/*
 * len zeroed bytes, aligned to 16, to be given back by guarded_destroy. *locked (unless NULL): could they be
 * locked into memory? SOTTO_ERR_NO_MEMORY.
 */
MUST_USE enum sotto_err guarded_create(size_t len, bool *locked, void **memory);

/* SOTTO_ERR_IO if the kernel refuses. memory is what guarded_create gave. */
MUST_USE enum sotto_err guarded_protect(void *memory, enum guarded_access access);

/* Wipes and gives back, whatever its access; aborts if the canary was overwritten. NULL is fine. */
void guarded_destroy(void *memory);

#endif
