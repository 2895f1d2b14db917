/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounds-checked reader: the only way in which bytes from outside become values.
 *
 * The presentation language of RFC 9420 section 2: big-endian integers, opaque<V> with the
 * variable-length header of section 2.1.2 (1, 2 or 4 bytes, the shortest form only). The error is sticky:
 * after the first failure every get returns zero or an empty span, so a parser reads a whole structure
 * and asks once, in reader_finish. What a get returns borrows from the buffer given to reader_init.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* RFC 9420 2.1.2: at most 30 bits. */
#define VECTOR_LEN_MAX ((UINT32_C(1) << 30) - 1)

struct reader {
	const uint8_t *at;
	const uint8_t *end;
	enum sotto_err err;
};

void reader_init(struct reader *reader, struct bytes input);

uint8_t reader_get_u8(struct reader *reader);
uint16_t reader_get_u16(struct reader *reader);
uint32_t reader_get_u24(struct reader *reader);
uint32_t reader_get_u32(struct reader *reader);
uint64_t reader_get_u64(struct reader *reader);

/* A vector header: at most VECTOR_LEN_MAX, shortest form. */
uint32_t reader_get_varint(struct reader *reader);

/* Exactly len bytes, borrowed. */
struct bytes reader_get_bytes(struct reader *reader, size_t len);

/* Exactly len bytes, copied; out is zeroed on failure. */
void reader_get_array(struct reader *reader, void *out, size_t len);

/* opaque<V>, borrowed. */
struct bytes reader_get_vector(struct reader *reader);

/* opaque<V> of at most max bytes; longer fails with SOTTO_ERR_LIMIT. */
struct bytes reader_get_vector_max(struct reader *reader, size_t max);

/*
 * A vector of structures: get the inner reader, read elements while reader_more, then
 * reader_end_nested, which fails the outer one if the inner failed or was not read to its end.
 */
struct reader reader_get_nested(struct reader *reader);
void reader_end_nested(struct reader *reader, const struct reader *inner);

/* Are bytes left, and has nothing failed? The condition of a loop over a vector's elements. */
bool reader_more(const struct reader *reader);

size_t reader_left(const struct reader *reader);

/* What is left, borrowed, consumed. */
struct bytes reader_get_rest(struct reader *reader);

/* Sets the sticky error if there is none yet: for a value that parses but may not be. */
void reader_fail(struct reader *reader, enum sotto_err err);

/* SOTTO_OK if nothing failed and every byte was read; else the first error, or SOTTO_ERR_FORMAT. */
MUST_USE enum sotto_err reader_finish(const struct reader *reader);

#endif
