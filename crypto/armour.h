/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text that people copy, type and scan: base32 (RFC 4648, no padding) of the bytes and the first
 * four bytes of SHA-256 over them. A QR code holds capitals and digits most tightly, and a mistyped
 * character is noticed. Not constant time: it is for what a person sees.
 */
#ifndef CRYPTO_ARMOUR_H
#define CRYPTO_ARMOUR_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/writer.h"

#define ARMOUR_CHECK_LEN 4

/* Characters for so many bytes. */
#define ARMOUR_TEXT_LEN(len) ((((len) + ARMOUR_CHECK_LEN) * 8 + 4) / 5)

/* Appends the text in capitals. */
void armour_put(struct bytes bytes, struct writer *text);

/*
 * Case is ignored, and so is white space around and inside. out has room for ARMOUR_CHECK_LEN more than
 * the content. SOTTO_ERR_FORMAT: mistyped, or not such a text; SOTTO_ERR_LIMIT: longer than capacity.
 */
MUST_USE enum sotto_err armour_get(struct bytes text, uint8_t *out, size_t capacity, size_t *len);

#endif
