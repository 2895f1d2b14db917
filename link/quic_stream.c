/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be sent on streams: chunks are copied in, lent to ngtcp2 until the other end has
 * acknowledged them, and given back. Streams with something to say take turns.
 */
#include <string.h>

#include "link/quic_internal.h"

struct quic_stream *quic_stream_find(const struct quic *quic, int64_t id)
{
	list_for_each (element, following, &quic->streams) {
		struct quic_stream *stream = CONTAINER_OF(element, struct quic_stream, node);

		if (stream->id == id)
			return stream;
	}
	return NULL;
}

enum sotto_err quic_stream_add(struct quic *quic, int64_t id)
{
	struct quic_stream *stream = allocator_take_zeroed(quic->allocator, 1, sizeof(*stream));

	if (!stream)
		return SOTTO_ERR_NO_MEMORY;
	stream->id = id;
	list_init(&stream->chunks);
	list_append(&quic->streams, &stream->node);
	return SOTTO_OK;
}

static void drop_chunk(struct quic *quic, struct quic_stream *stream, struct quic_chunk *chunk)
{
	list_remove(&chunk->node);
	stream->start += chunk->len;
	quic->unacked -= chunk->len;
	allocator_wipe(quic->allocator, chunk, sizeof(*chunk) + chunk->len);
}

static struct quic_chunk *first_chunk(struct quic_stream *stream)
{
	return list_empty(&stream->chunks)
		       ? NULL
		       : CONTAINER_OF(stream->chunks.next, struct quic_chunk, node);
}

void quic_stream_remove(struct quic *quic, struct quic_stream *stream)
{
	struct quic_chunk *chunk;

	while ((chunk = first_chunk(stream)))
		drop_chunk(quic, stream, chunk);
	list_remove(&stream->node);
	allocator_give(quic->allocator, stream, sizeof(*stream));
}

void quic_stream_acked(struct quic *quic, int64_t id, uint64_t upto)
{
	struct quic_stream *stream = quic_stream_find(quic, id);
	struct quic_chunk *chunk;

	while (stream && (chunk = first_chunk(stream)) && stream->start + chunk->len <= upto)
		drop_chunk(quic, stream, chunk);
}

enum sotto_err quic_stream_put(struct quic *quic, int64_t id, struct bytes bytes, bool fin)
{
	struct quic_stream *stream = quic_stream_find(quic, id);
	struct quic_chunk *chunk;

	if (!stream)
		return SOTTO_ERR_NOT_FOUND;
	if (stream->fin)
		return SOTTO_ERR_STATE;
	if (bytes.len) {
		chunk = allocator_take(quic->allocator, sizeof(*chunk) + bytes.len);
		if (!chunk)
			return SOTTO_ERR_NO_MEMORY;
		chunk->len = bytes.len;
		memcpy(chunk->data, bytes.data, bytes.len);
		list_append(&stream->chunks, &chunk->node);
		stream->end += bytes.len;
		quic->unacked += bytes.len;
	}
	stream->fin = fin;
	quic->wants_write = true;
	return SOTTO_OK;
}

size_t quic_stream_peek(const struct quic_stream *stream, ngtcp2_vec *vecs)
{
	uint64_t at = stream->start;
	size_t count = 0;

	list_for_each (element, following, &stream->chunks) {
		struct quic_chunk *chunk = CONTAINER_OF(element, struct quic_chunk, node);
		uint64_t end = at + chunk->len;

		if (end > stream->sent && count < QUIC_VECS_MAX) {
			size_t skip = stream->sent > at ? (size_t)(stream->sent - at) : 0;

			vecs[count].base = chunk->data + skip;
			vecs[count++].len = chunk->len - skip;
		}
		at = end;
	}
	return count;
}

static bool pending(const struct quic_stream *stream)
{
	return !stream->blocked &&
	       (stream->sent < stream->end || (stream->fin && !stream->fin_sent));
}

struct quic_stream *quic_stream_next(struct quic *quic)
{
	list_for_each (element, following, &quic->streams) {
		struct quic_stream *stream = CONTAINER_OF(element, struct quic_stream, node);

		if (!pending(stream))
			continue;
		list_remove(&stream->node);
		list_append(&quic->streams, &stream->node);
		return stream;
	}
	return NULL;
}

bool quic_stream_pending(const struct quic *quic)
{
	list_for_each (element, following, &quic->streams) {
		if (pending(CONTAINER_OF(element, struct quic_stream, node)))
			return true;
	}
	return false;
}

enum sotto_err quic_stream_open(struct quic *quic, bool bidi, int64_t *stream)
{
	int64_t id;
	int rv;
	enum sotto_err err;

	if (bidi)
		rv = ngtcp2_conn_open_bidi_stream(quic->conn, &id, NULL);
	else
		rv = ngtcp2_conn_open_uni_stream(quic->conn, &id, NULL);
	if (rv == NGTCP2_ERR_STREAM_ID_BLOCKED)
		return SOTTO_ERR_AGAIN;
	if (rv != 0)
		return SOTTO_ERR_NO_MEMORY;
	err = quic_stream_add(quic, id);
	if (err != SOTTO_OK) {
		(void)ngtcp2_conn_shutdown_stream(quic->conn, id, QUIC_STREAM_CANCELLED);
		quic->wants_write = true; /* the stream ends before it began */
		return err;
	}
	*stream = id;
	return SOTTO_OK;
}

void quic_stream_silence(struct quic *quic, int64_t id)
{
	struct quic_stream *stream = quic_stream_find(quic, id);

	if (!stream)
		return;
	stream->fin = true;
	stream->fin_sent = true;
	stream->sent = stream->end;
}

void quic_stream_reset(struct quic *quic, int64_t id, uint64_t code)
{
	/* Fails for want of memory only: the stream then lives on and nobody listens. */
	(void)ngtcp2_conn_shutdown_stream(quic->conn, id, code);
	quic_stream_silence(quic, id);
	quic->wants_write = true;
}

void quic_consume(struct quic *quic, int64_t stream, size_t len)
{
	/* Not an error: the stream may have ended meanwhile; the connection's credit counts all the same. */
	if (stream >= 0)
		(void)ngtcp2_conn_extend_max_stream_offset(quic->conn, stream, len);
	ngtcp2_conn_extend_max_offset(quic->conn, len);
	quic->wants_write = true;
}

void quic_allow_stream(struct quic *quic)
{
	ngtcp2_conn_extend_max_streams_bidi(quic->conn, 1);
	quic->wants_write = true;
}

size_t quic_unacked(const struct quic *quic)
{
	return quic->unacked;
}

size_t quic_stream_unacked(const struct quic *quic, int64_t id)
{
	const struct quic_stream *stream = quic_stream_find(quic, id);

	return stream ? (size_t)(stream->end - stream->start) : 0;
}
