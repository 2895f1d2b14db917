/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans, secrets and wiping.
 *
 * struct bytes borrows: whoever made it says how long the memory lives. struct secret owns: it is wiped
 * on every path out and compared in constant time. Nothing here prints.
 */
#ifndef SOTTO_BYTES_H
#define SOTTO_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include <sotto/begin.h>

struct bytes {
	const uint8_t *data; /* may be NULL when len is 0 */
	size_t len;
};

static inline struct bytes sotto_bytes(const void *data, size_t len)
{
	struct bytes bytes = {(const uint8_t *)data, len};

	return bytes;
}

/* The longest secret of any suite: a P-521 scalar is 66 bytes. */
#define SOTTO_SECRET_LEN_MAX 66

struct secret {
	uint8_t data[SOTTO_SECRET_LEN_MAX];
	uint8_t len;
};

static inline struct bytes sotto_secret_bytes(const struct secret *secret)
{
	return sotto_bytes(secret->data, secret->len);
}

/* Overwrites with zeros, and is not optimised away. NULL with len 0 is fine. */
void sotto_wipe(void *data, size_t len);

#include <sotto/end.h>

#endif
