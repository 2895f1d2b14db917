/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of the simulator's connection: pieces become chunks, chunks become calls. */
#include <string.h>

#include "base/assert.h"
#include "sim/quic_state.h"

/* RFC 9000 2.1: the two low bits of a stream's number. */
static bool is_uni(int64_t id)
{
	return (id & 2) != 0;
}

static bool is_own(const struct quic *quic, int64_t id)
{
	return ((id & 1) != 0) == quic->is_server;
}

struct sim_quic_stream *sim_quic_find(const struct quic *quic, int64_t id)
{
	list_for_each (element, following, &quic->streams) {
		struct sim_quic_stream *stream =
			CONTAINER_OF(element, struct sim_quic_stream, link);

		if (stream->id == id)
			return stream;
	}
	return NULL;
}

static struct sim_quic_stream *add(struct quic *quic, int64_t id)
{
	struct sim_quic_stream *stream = allocator_take_zeroed(quic->allocator, 1, sizeof(*stream));

	if (stream == NULL)
		return NULL;
	stream->id = id;
	stream->limit = quic->other.window_stream;
	list_init(&stream->pieces);
	list_append(&quic->streams, &stream->link);
	return stream;
}

static void forget_pieces(struct quic *quic, struct sim_quic_stream *stream)
{
	list_for_each (element, following, &stream->pieces) {
		struct sim_quic_piece *piece = CONTAINER_OF(element, struct sim_quic_piece, link);

		list_remove(element);
		allocator_give(quic->allocator, piece, sizeof(*piece) + piece->len);
	}
}

static void destroy(struct quic *quic, struct sim_quic_stream *stream)
{
	forget_pieces(quic, stream);
	list_remove(&stream->link);
	allocator_give(quic->allocator, stream, sizeof(*stream));
}

void sim_quic_chunk_destroy(struct quic *quic, struct sim_quic_chunk *chunk)
{
	list_remove(&chunk->link);
	allocator_give(quic->allocator, chunk, sizeof(*chunk) + chunk->len);
}

void sim_quic_streams_destroy(struct quic *quic)
{
	list_for_each (element, following, &quic->streams)
		destroy(quic, CONTAINER_OF(element, struct sim_quic_stream, link));
	list_for_each (element, following, &quic->chunks)
		sim_quic_chunk_destroy(quic, CONTAINER_OF(element, struct sim_quic_chunk, link));
	list_for_each (element, following, &quic->early)
		sim_quic_chunk_destroy(quic, CONTAINER_OF(element, struct sim_quic_chunk, link));
}

enum sotto_err sim_quic_chunk_add(struct quic *quic, enum sim_quic_kind kind, int64_t stream,
				  bool fin, uint64_t value, struct bytes bytes)
{
	struct sim_quic_chunk *chunk =
		allocator_take_zeroed(quic->allocator, 1, sizeof(*chunk) + bytes.len);

	if (chunk == NULL)
		return SOTTO_ERR_NO_MEMORY;
	chunk->seq = quic->next_seq++;
	chunk->kind = kind;
	chunk->fin = fin;
	chunk->stream = stream;
	chunk->value = value;
	chunk->len = bytes.len;
	if (bytes.len != 0)
		memcpy(chunk->data, bytes.data, bytes.len);
	list_append(&quic->chunks, &chunk->link);
	quic->chunk_count++;
	return SOTTO_OK;
}

enum sotto_err quic_stream_open(struct quic *quic, bool bidi, int64_t *stream)
{
	uint64_t *opened = &quic->opened[bidi ? 0 : 1];
	int64_t id = (int64_t)(*opened * 4) + (bidi ? 0 : 2) + (quic->is_server ? 1 : 0);

	if (!quic->handshaken || (bidi && *opened >= quic->other.streams_bidi))
		return SOTTO_ERR_AGAIN;
	if (add(quic, id) == NULL)
		return SOTTO_ERR_NO_MEMORY;
	(*opened)++;
	*stream = id;
	return SOTTO_OK;
}

enum sotto_err quic_stream_put(struct quic *quic, int64_t id, struct bytes bytes, bool fin)
{
	struct sim_quic_stream *stream = sim_quic_find(quic, id);
	struct sim_quic_piece *piece;

	if (stream == NULL || stream->fin_put || stream->reset)
		return SOTTO_ERR_NOT_FOUND;
	if (bytes.len == 0 && !fin)
		return SOTTO_OK;
	piece = allocator_take_zeroed(quic->allocator, 1, sizeof(*piece) + bytes.len);
	if (piece == NULL)
		return SOTTO_ERR_NO_MEMORY;
	piece->len = bytes.len;
	piece->fin = fin;
	if (bytes.len != 0)
		memcpy(piece->data, bytes.data, bytes.len);
	list_append(&stream->pieces, &piece->link);
	stream->put += bytes.len;
	stream->fin_put = fin;
	return SOTTO_OK;
}

/* Without memory for what steers streams the connection ends: with its next packet. */
static void tell(struct quic *quic, enum sim_quic_kind kind, int64_t stream, uint64_t value)
{
	if (sim_quic_chunk_add(quic, kind, stream, false, value, BYTES_NONE) != SOTTO_OK)
		quic->out_of_memory = true;
}

void quic_stream_reset(struct quic *quic, int64_t id, uint64_t code)
{
	struct sim_quic_stream *stream = sim_quic_find(quic, id);

	if (stream == NULL || stream->reset)
		return;
	stream->reset = true;
	forget_pieces(quic, stream);
	stream->put = stream->acked;
	tell(quic, CHUNK_RESET, id, code);
}

void quic_consume(struct quic *quic, int64_t stream, size_t len)
{
	if (len != 0)
		tell(quic, CHUNK_CREDIT, stream, len);
}

void quic_allow_stream(struct quic *quic)
{
	quic->own.streams_bidi++;
	tell(quic, CHUNK_ALLOW, -1, 1);
}

static uint64_t unacked(const struct sim_quic_stream *stream)
{
	return stream->put > stream->acked ? stream->put - stream->acked : 0;
}

size_t quic_unacked(const struct quic *quic)
{
	uint64_t sum = 0;

	list_for_each (element, following, &quic->streams)
		sum += unacked(CONTAINER_OF(element, struct sim_quic_stream, link));
	return (size_t)sum;
}

size_t quic_stream_unacked(const struct quic *quic, int64_t id)
{
	const struct sim_quic_stream *stream = sim_quic_find(quic, id);

	return stream != NULL ? (size_t)unacked(stream) : 0;
}

/* How much of the stream's next piece may go; 0 may also be an empty last one: see piece_ready. */
static size_t allowed(const struct quic *quic, const struct sim_quic_stream *stream)
{
	uint64_t room = stream->limit > stream->sent ? stream->limit - stream->sent : 0;
	uint64_t room_all = quic->other.window_all > quic->sent_all
				    ? quic->other.window_all - quic->sent_all
				    : 0;

	return (size_t)(room < room_all ? room : room_all);
}

static bool piece_ready(const struct quic *quic, const struct sim_quic_stream *stream)
{
	const struct sim_quic_piece *piece;

	if (list_empty(&stream->pieces))
		return false;
	piece = CONTAINER_OF(stream->pieces.next, struct sim_quic_piece, link);
	return piece->at == piece->len || allowed(quic, stream) > 0;
}

static struct sim_quic_stream *ready_stream(const struct quic *quic)
{
	list_for_each (element, following, &quic->streams) {
		struct sim_quic_stream *stream =
			CONTAINER_OF(element, struct sim_quic_stream, link);

		if (piece_ready(quic, stream))
			return stream;
	}
	return NULL;
}

bool sim_quic_can_send(const struct quic *quic)
{
	return quic->handshaken && quic->chunk_count < SIM_QUIC_CHUNKS_MAX &&
	       ready_stream(quic) != NULL;
}

enum sotto_err sim_quic_make_chunk(struct quic *quic, size_t len)
{
	struct sim_quic_stream *stream = ready_stream(quic);
	struct sim_quic_piece *piece;
	size_t part;
	bool fin;
	enum sotto_err err;

	if (stream == NULL)
		return SOTTO_OK;
	piece = CONTAINER_OF(stream->pieces.next, struct sim_quic_piece, link);
	part = piece->len - piece->at;
	if (part > len)
		part = len;
	if (part > allowed(quic, stream))
		part = allowed(quic, stream);
	fin = piece->fin && piece->at + part == piece->len;
	err = sim_quic_chunk_add(quic, CHUNK_DATA, stream->id, fin, 0,
				 BYTES(piece->data + piece->at, part));
	if (err != SOTTO_OK)
		return err;
	piece->at += part;
	stream->sent += part;
	quic->sent_all += part;
	if (piece->at == piece->len) {
		list_remove(&piece->link);
		allocator_give(quic->allocator, piece, sizeof(*piece) + piece->len);
	}
	/* To the end of the list: streams take turns. */
	list_remove(&stream->link);
	list_append(&quic->streams, &stream->link);
	return SOTTO_OK;
}

/*
 * The stream that a chunk is of, made if the other end opens it by this, with all before it (RFC 9000 3.2): what ends one
 * may overtake what others begin with. NULL: over, or not allowed.
 */
static enum sotto_err stream_of(struct quic *quic, int64_t id, struct sim_quic_stream **stream)
{
	uint64_t *seen = &quic->seen[is_uni(id)];
	uint64_t number = (uint64_t)id / 4;

	*stream = sim_quic_find(quic, id);
	if (*stream != NULL || is_own(quic, id) || number < *seen)
		return SOTTO_OK;
	if (!is_uni(id) && number >= quic->own.streams_bidi)
		return SOTTO_ERR_INVALID;
	for (; *seen <= number; (*seen)++) {
		*stream = add(quic, id - (int64_t)(4 * (number - *seen)));
		if (*stream == NULL)
			return SOTTO_ERR_NO_MEMORY;
	}
	return SOTTO_OK;
}

static enum sotto_err deliver_data(struct quic *quic, const struct sim_quic_chunk *chunk)
{
	struct sim_quic_stream *stream;
	enum sotto_err err = stream_of(quic, chunk->stream, &stream);

	if (err != SOTTO_OK)
		return err;
	if (stream == NULL || stream->reset) {
		quic_consume(quic, -1, chunk->len);
		return SOTTO_OK;
	}
	if (stream->fin_received)
		return SOTTO_ERR_INVALID;
	stream->fin_received = chunk->fin;
	return quic->events->on_stream(quic->context, chunk->stream, BYTES(chunk->data, chunk->len),
				       chunk->fin);
}

static enum sotto_err deliver_reset(struct quic *quic, const struct sim_quic_chunk *chunk)
{
	struct sim_quic_stream *stream;
	enum sotto_err err = stream_of(quic, chunk->stream, &stream);

	if (err != SOTTO_OK || stream == NULL)
		return err;
	destroy(quic, stream);
	quic->events->on_stream_closed(quic->context, chunk->stream, true);
	return SOTTO_OK;
}

enum sotto_err sim_quic_deliver(struct quic *quic, const struct sim_quic_chunk *chunk)
{
	struct sim_quic_stream *stream;

	switch (chunk->kind) {
	case CHUNK_DATA:
		return deliver_data(quic, chunk);
	case CHUNK_RESET:
		return deliver_reset(quic, chunk);
	case CHUNK_CREDIT:
		quic->other.window_all += chunk->value;
		stream = sim_quic_find(quic, chunk->stream);
		if (stream != NULL)
			stream->limit += chunk->value;
		return SOTTO_OK;
	case CHUNK_ALLOW:
		quic->other.streams_bidi += chunk->value;
		return SOTTO_OK;
	}
	return SOTTO_ERR_INVALID;
}

void sim_quic_chunk_acked(struct quic *quic, struct sim_quic_chunk *chunk)
{
	struct sim_quic_stream *stream = sim_quic_find(quic, chunk->stream);

	if (stream != NULL && chunk->kind == CHUNK_DATA) {
		stream->acked += chunk->len;
		stream->fin_acked |= chunk->fin;
	}
	if (stream != NULL && chunk->kind == CHUNK_RESET)
		stream->reset_acked = true;
	quic->chunk_count--;
	sim_quic_chunk_destroy(quic, chunk);
}

static bool is_over(const struct quic *quic, const struct sim_quic_stream *stream)
{
	if (stream->reset)
		return stream->reset_acked;
	if (is_uni(stream->id))
		return is_own(quic, stream->id) ? stream->fin_acked : stream->fin_received;
	return stream->fin_acked && stream->fin_received;
}

static struct sim_quic_stream *finished_stream(const struct quic *quic)
{
	list_for_each (element, following, &quic->streams) {
		struct sim_quic_stream *stream =
			CONTAINER_OF(element, struct sim_quic_stream, link);

		if (is_over(quic, stream))
			return stream;
	}
	return NULL;
}

void sim_quic_close_streams(struct quic *quic)
{
	struct sim_quic_stream *stream;

	while ((stream = finished_stream(quic)) != NULL) {
		int64_t id = stream->id;
		bool reset = stream->reset;

		destroy(quic, stream);
		quic->events->on_stream_closed(quic->context, id, reset);
	}
}
