/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SFrame header, RFC 9605 section 4.3: a config byte, then key id and counter, each inside the
 *config byte when below 8 and else in the fewest bytes that hold it.
 *
 *	 0 1 2 3 4 5 6 7
 *	|X|  K  |Y|  C  | KID... | CTR... |
 *
 * The header travels in clear: who sees it learns the key id and how many frames were sealed
 *before.
 */
#ifndef SFRAME_HEADER_H
#define SFRAME_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define SFRAME_HEADER_LEN_MAX 17 /* the config byte and twice 64 bits */

struct sframe_header {
	uint64_t kid;
	uint64_t ctr;
};

/* Writes 1 to SFRAME_HEADER_LEN_MAX bytes and returns how many. */
size_t sframe_header_encode(struct sframe_header header, uint8_t out[SFRAME_HEADER_LEN_MAX]);

/*
 * Reads the header that frame begins with; *len is its length. SOTTO_ERR_FORMAT if frame ends
 * inside it or a value is not in its shortest form: one header has one encoding.
 */
MUST_USE enum sotto_err sframe_header_decode(struct bytes frame, struct sframe_header *header,
					     size_t *len);

#endif
