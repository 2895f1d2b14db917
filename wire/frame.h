/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers on a stream. A request is alone on its stream and ends with it; an answer may be several
 * messages (a watch never ends), so each is preceded by its length:
 *
 *	opaque answer<1..WIRE_MESSAGE_MAX>      the vector header of RFC 9420 2.1.2
 *
 * A stream arrives in pieces of any length; the splitter keeps what is not whole yet.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/writer.h"

/* The longest header of a length. */
#define WIRE_FRAME_HEADER_MAX 4

/* Header and message; the message may not be empty or longer than WIRE_MESSAGE_MAX (asserted). */
void wire_frame_put(struct writer *writer, struct bytes message);

struct wire_splitter {
	const struct allocator *allocator;
	uint8_t *data; /* a message that is not whole yet, with its header */
	size_t len;
	size_t capacity;
};

/* Takes no memory until a message arrives in pieces. */
void wire_splitter_init(struct wire_splitter *splitter, const struct allocator *allocator);

/* NULL is fine. */
void wire_splitter_finish(struct wire_splitter *splitter);

/*
 * Hands over what is whole. Call with a piece of the stream until it gives SOTTO_ERR_AGAIN: then all of
 * the piece is taken. *piece shrinks from the front; *message borrows from the piece or the splitter until
 * the next call. SOTTO_ERR_FORMAT, SOTTO_ERR_LIMIT: no such stream; give it up. SOTTO_ERR_NO_MEMORY.
 */
MUST_USE enum sotto_err wire_splitter_next(struct wire_splitter *splitter, struct bytes *piece,
					   struct bytes *message);

/* Does the stream end where a message does? Asked when it ends. */
bool wire_splitter_empty(const struct wire_splitter *splitter);

#endif
