/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: the twin of the reader, with the same sticky error.
 *
 * It writes into the caller's memory (writer_init_fixed), into memory that it takes from an allocator and
 * grows (writer_init_growing), or nowhere, to learn a length (writer_init_measuring). What it wrote into
 * memory that it outgrows or releases is wiped, so it may hold secrets.
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"

struct writer {
	uint8_t *data; /* NULL when measuring */
	size_t len;
	size_t capacity;
	size_t touched; /* the longest that len has been in this memory: so much is to be wiped */
	const struct allocator *allocator; /* NULL unless growing */
	enum sotto_err err;
};

void writer_init_fixed(struct writer *writer, void *buffer, size_t capacity);
void writer_init_growing(struct writer *writer, const struct allocator *allocator);
void writer_init_measuring(struct writer *writer);

/*
 * Growing only, else nothing: takes room for len more bytes now, where that is known, and no more than that.
 * What grows by itself is copied and wiped on the way, and may end twice as large as it needs to be.
 */
void writer_reserve(struct writer *writer, size_t len);

void writer_put_u8(struct writer *writer, uint8_t value);
void writer_put_u16(struct writer *writer, uint16_t value);
void writer_put_u24(struct writer *writer, uint32_t value);
void writer_put_u32(struct writer *writer, uint32_t value);
void writer_put_u64(struct writer *writer, uint64_t value);

/* A vector header; value above VECTOR_LEN_MAX fails with SOTTO_ERR_LIMIT. */
void writer_put_varint(struct writer *writer, size_t value);

void writer_put_bytes(struct writer *writer, struct bytes bytes);
void writer_put_zeros(struct writer *writer, size_t len);

/* opaque<V>: header and content. */
void writer_put_vector(struct writer *writer, struct bytes bytes);

/*
 * A vector whose length is not known yet: begin, write the elements, end with what begin returned. Ending
 * moves the content by the one or three bytes that a longer header needs. Nests.
 */
size_t writer_begin_vector(struct writer *writer);
void writer_end_vector(struct writer *writer, size_t start);

void writer_fail(struct writer *writer, enum sotto_err err);

/* What was written so far, borrowed until the next put. */
struct bytes writer_bytes(const struct writer *writer);

/* SOTTO_OK, or the first error: SOTTO_ERR_SPACE, SOTTO_ERR_NO_MEMORY, SOTTO_ERR_LIMIT. */
MUST_USE enum sotto_err writer_finish(const struct writer *writer);

/* Growing only: wipes and gives the memory back. Safe after any failure, and twice. */
void writer_release(struct writer *writer);

#endif
