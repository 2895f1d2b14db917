/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal text, for keys that people copy, for tools and for tests. Not constant time. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/bytes.h"
#include "base/error.h"

/* out: 2 * bytes.len + 1 characters, lower case, terminated. */
void hex_encode(struct bytes bytes, char *out);

/* text_len characters to text_len / 2 bytes; odd lengths and other characters fail (FORMAT), too much for
 * capacity fails (SPACE). *len is set on success only. */
MUST_USE enum sotto_err hex_decode(const char *text, size_t text_len, uint8_t *out, size_t capacity,
				   size_t *len);

#endif
