/* SPDX-License-Identifier: Apache-2.0 */
/* What the tree does with spans and secrets, which are public structs: comparing, copying, wiping. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sotto/bytes.h>

#define BYTES(pointer, length) ((struct bytes){.data = (const uint8_t *)(pointer), .len = (length)})
#define BYTES_OF(array)	       BYTES((array), sizeof(array))
#define BYTES_NONE	       ((struct bytes){.data = NULL, .len = 0})

/* A string literal without its terminator. */
#define BYTES_TEXT(literal) BYTES((literal), sizeof(literal) - 1)

/* Public data only: leaks where the first difference is. */
bool bytes_equal(struct bytes a, struct bytes b);

/* Public data only: like memcmp, a prefix sorts first. */
int bytes_compare(struct bytes a, struct bytes b);

/* For secrets, tags and tokens: time depends on len only. */
bool bytes_equal_ct(const void *a, const void *b, size_t len);

/* Overwrites with zeros, and is not optimised away. NULL with len 0 is fine. */
void bytes_wipe(void *data, size_t len);

#define SECRET_LEN_MAX SOTTO_SECRET_LEN_MAX

/* Copies; len at most SECRET_LEN_MAX (asserted). */
void secret_set(struct secret *secret, const void *data, size_t len);

/* NULL is fine. Afterwards len is 0. */
void secret_wipe(struct secret *secret);

/* Constant time in the contents; lengths are public. */
bool secret_equal(const struct secret *a, const struct secret *b);

static inline struct bytes secret_bytes(const struct secret *secret)
{
	return BYTES(secret->data, secret->len);
}

#endif
