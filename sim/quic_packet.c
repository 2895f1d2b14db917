/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of the simulator's connection on their way out, and their tag. */
#include <string.h>

#include "base/assert.h"
#include "sim/quic_state.h"

#define VERSION_1	 1
#define FIRST_LONG	 0xc3
#define FIRST_SHORT	 0x43
#define SHORT_HEADER_LEN (1 + LINK_CID_LEN + 4)
#define CHUNK_HEADER_LEN (1 + 4 + 1 + 1 + 8 + 8 + 2)
#define CHUNK_ROOM_MIN	 32 /* less is left to the next packet */
#define ACK_LEN		 (1 + 4 + 4 + 8)
#define MS		 UINT64_C(1000000)
#define TIMEOUT_FIRST_NS (300 * MS)
#define TIMEOUT_LEAST_NS (50 * MS)
#define BACKOFF_MAX	 4

/* FNV-1a over key and packet, twice; see sim/quic_state.h. */
void sim_quic_tag(const struct quic *quic, struct bytes packet, uint8_t *tag)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(quic->secrets.psk); i++)
		hash = (hash ^ quic->secrets.psk[i]) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < packet.len; i++)
		hash = (hash ^ packet.data[i]) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < SIM_QUIC_TAG_LEN; i++) {
		if (i % 8 == 0)
			hash = (hash ^ i ^ 1) * UINT64_C(0x9e3779b97f4a7c15);
		tag[i] = (uint8_t)(hash >> (8 * (i % 8)));
	}
}

bool sim_quic_unsent(const struct quic *quic)
{
	list_for_each (element, following, &quic->chunks) {
		if (!CONTAINER_OF(element, struct sim_quic_chunk, link)->sent)
			return true;
	}
	return false;
}

bool sim_quic_window_open(const struct quic *quic)
{
	uint32_t from = quic->answered > quic->forgiven ? quic->answered : quic->forgiven;
	uint32_t waiting = 0;

	if (quic->next_number - from > ARRAY_LEN(quic->asks))
		from = quic->next_number - (uint32_t)ARRAY_LEN(quic->asks);
	for (uint32_t number = from + 1; number < quic->next_number; number++)
		waiting += quic->asks[number % ARRAY_LEN(quic->asks)];
	return waiting < SIM_QUIC_UNANSWERED_MAX;
}

uint64_t sim_quic_timeout(const struct quic *quic)
{
	uint64_t base = quic->rtt_ns == 0 ? TIMEOUT_FIRST_NS : 2 * quic->rtt_ns + 25 * MS;

	return (base < TIMEOUT_LEAST_NS ? TIMEOUT_LEAST_NS : base) << quic->backoff;
}

static void put_short_header(struct quic *quic, struct writer *writer)
{
	writer_put_u8(writer, FIRST_SHORT);
	writer_put_bytes(writer, BYTES_OF(quic->other_cid));
	writer_put_u32(writer, quic->next_number);
}

/* RFC 9000 17.2.2, with fixed widths where the real one has variable ones. */
static void put_long_header(struct quic *quic, struct writer *writer)
{
	struct bytes token = quic->is_server ? BYTES_NONE : BYTES_OF(quic->token);

	writer_put_u8(writer, FIRST_LONG);
	writer_put_u32(writer, VERSION_1);
	writer_put_u8(writer, LINK_CID_LEN);
	writer_put_bytes(writer, BYTES_OF(quic->other_cid));
	writer_put_u8(writer, LINK_CID_LEN);
	writer_put_bytes(writer, BYTES_OF(quic->own_cid));
	writer_put_u16(writer, (uint16_t)(0x4000 | token.len));
	writer_put_bytes(writer, token);
	writer_put_u32(writer, quic->next_number);
}

static void put_ack(struct quic *quic, struct writer *writer)
{
	uint64_t bits = 0;

	list_for_each (element, following, &quic->early) {
		uint32_t ahead = CONTAINER_OF(element, struct sim_quic_chunk, link)->seq -
				 quic->expected_seq - 1;

		if (ahead < 64)
			bits |= UINT64_C(1) << ahead;
	}
	writer_put_u8(writer, FRAME_ACK);
	writer_put_u32(writer, quic->expected_seq);
	writer_put_u32(writer, quic->number_max);
	writer_put_u64(writer, bits);
	quic->ack_now = false;
	quic->ack_ns = 0;
}

static void put_chunk(struct quic *quic, struct writer *writer, struct sim_quic_chunk *chunk,
		      uint64_t now_ns)
{
	writer_put_u8(writer, FRAME_CHUNK);
	writer_put_u32(writer, chunk->seq);
	writer_put_u8(writer, (uint8_t)chunk->kind);
	writer_put_u8(writer, chunk->fin);
	writer_put_u64(writer, (uint64_t)chunk->stream);
	writer_put_u64(writer, chunk->value);
	writer_put_u16(writer, (uint16_t)chunk->len);
	writer_put_bytes(writer, BYTES(chunk->data, chunk->len));
	chunk->sent = true;
	chunk->packet = quic->next_number;
	chunk->sent_ns = now_ns;
}

/* Tag, padding, envelope; what has a number below the next is under way. */
static void finish(struct quic *quic, struct writer *writer, bool asks, uint64_t now_ns,
		   struct link_packet *out)
{
	uint32_t number = quic->next_number++;
	size_t len = writer->len + SIM_QUIC_TAG_LEN;

	ASSERT(writer_finish(writer) == SOTTO_OK && len <= SIM_QUIC_PACKET_MAX);
	sim_quic_tag(quic, writer_bytes(writer), out->data + writer->len);
	out->len = quic->small_len != 0 && len + ENVELOPE_OVERHEAD <= quic->small_len
			   ? quic->small_len
			   : LINK_FULL_LEN;
	out->path = quic->roam.path;
	envelope_seal(&quic->secrets, quic->padding, out->data, len, out->len);
	quic->sent_ns[number % ARRAY_LEN(quic->sent_ns)] = now_ns;
	quic->asks[number % ARRAY_LEN(quic->asks)] = asks;
	if (asks) {
		quic->last_asked = number;
		quic->asked_ns = now_ns;
	}
	quic->stats.packets_out++;
}

static void put_limits(const struct quic *quic, struct writer *writer)
{
	writer_put_u64(writer, quic->own.streams_bidi);
	writer_put_u64(writer, quic->own.window_stream);
	writer_put_u64(writer, quic->own.window_all);
}

static void write_greeting(struct quic *quic, uint64_t now_ns, struct link_packet *out)
{
	struct writer writer;

	writer_init_fixed(&writer, out->data, SIM_QUIC_PACKET_MAX - SIM_QUIC_TAG_LEN);
	put_long_header(quic, &writer);
	writer_put_u8(&writer, quic->is_server ? FRAME_WELCOME : FRAME_HELLO);
	if (quic->is_server)
		writer_put_bytes(&writer, BYTES_OF(quic->exporter));
	put_limits(quic, &writer);
	writer_put_zeros(&writer, SIM_QUIC_PACKET_MAX - SIM_QUIC_TAG_LEN - writer.len);
	quic->greeting_due = false;
	finish(quic, &writer, true, now_ns, out);
}

/* The first chunk that has to go (again), cut to what a packet of this size takes if it is new. */
static enum sotto_err next_chunk(struct quic *quic, size_t room, struct sim_quic_chunk **chunk)
{
	enum sotto_err err;

	*chunk = NULL;
	for (unsigned int tries = 0; tries < 2 && *chunk == NULL; tries++) {
		list_for_each (element, following, &quic->chunks) {
			struct sim_quic_chunk *at =
				CONTAINER_OF(element, struct sim_quic_chunk, link);

			if (!at->sent && *chunk == NULL)
				*chunk = at;
		}
		if (*chunk != NULL || !sim_quic_can_send(quic) ||
		    room < CHUNK_HEADER_LEN + CHUNK_ROOM_MIN)
			break;
		err = sim_quic_make_chunk(quic, room - CHUNK_HEADER_LEN);
		if (err != SOTTO_OK)
			return err;
	}
	return SOTTO_OK;
}

/* What a packet has room for: small during a call, unless a chunk from before it does not fit. */
static size_t capacity_for(const struct quic *quic)
{
	size_t small = quic->small_len - ENVELOPE_OVERHEAD - SIM_QUIC_TAG_LEN;

	if (quic->small_len == 0)
		return SIM_QUIC_PACKET_MAX - SIM_QUIC_TAG_LEN;
	list_for_each (element, following, &quic->chunks) {
		const struct sim_quic_chunk *chunk =
			CONTAINER_OF(element, struct sim_quic_chunk, link);

		if (!chunk->sent &&
		    SHORT_HEADER_LEN + ACK_LEN + 1 + CHUNK_HEADER_LEN + chunk->len > small)
			return SIM_QUIC_PACKET_MAX - SIM_QUIC_TAG_LEN;
	}
	return small;
}

static enum sotto_err write_packet(struct quic *quic, uint64_t now_ns, struct link_packet *out)
{
	struct sim_quic_chunk *chunk;
	struct writer writer;
	bool asks = false;
	enum sotto_err err;

	writer_init_fixed(&writer, out->data, capacity_for(quic));
	put_short_header(quic, &writer);
	if (quic->ack_now || quic->ack_ns != 0)
		put_ack(quic, &writer);
	if (quic->ping_due) {
		writer_put_u8(&writer, FRAME_PING);
		quic->ping_due = false;
		asks = true;
	}
	while (sim_quic_window_open(quic)) {
		err = next_chunk(quic, writer.capacity - writer.len, &chunk);
		if (err != SOTTO_OK)
			return err;
		if (chunk == NULL || writer.len + CHUNK_HEADER_LEN + chunk->len > writer.capacity)
			break;
		put_chunk(quic, &writer, chunk, now_ns);
		asks = true;
	}
	if (writer.len > SHORT_HEADER_LEN)
		finish(quic, &writer, asks, now_ns, out);
	return SOTTO_OK;
}

bool quic_wants_write(const struct quic *quic)
{
	if (quic->greeting_due || quic->out_of_memory)
		return true;
	if (!quic->handshaken)
		return false;
	return quic->ack_now || quic->ping_due ||
	       (sim_quic_window_open(quic) && (sim_quic_unsent(quic) || sim_quic_can_send(quic)));
}

enum sotto_err quic_write(struct quic *quic, uint64_t now_ns, struct link_packet *out,
			  enum link_reason *reason)
{
	enum sotto_err err = SOTTO_OK;

	out->len = 0;
	if (!quic_wants_write(quic))
		return SOTTO_OK;
	if (quic->out_of_memory)
		err = SOTTO_ERR_NO_MEMORY;
	else if (quic->greeting_due)
		write_greeting(quic, now_ns, out);
	else
		err = write_packet(quic, now_ns, out);
	if (err != SOTTO_OK)
		*reason = LINK_REASON_NO_MEMORY;
	return err;
}

enum sotto_err quic_datagram(struct quic *quic, struct bytes bytes, uint64_t now_ns,
			     struct link_packet *out)
{
	size_t payload = quic->small_len != 0 ? quic->small_len : LINK_FULL_LEN;
	size_t capacity = payload - ENVELOPE_OVERHEAD - SIM_QUIC_TAG_LEN;
	struct writer writer;

	out->len = 0;
	if (!quic->handshaken)
		return SOTTO_ERR_STATE;
	if (bytes.len > LINK_DATAGRAM_LEN_MAX || SHORT_HEADER_LEN + 3 + bytes.len > capacity)
		return SOTTO_ERR_LIMIT;
	if (!sim_quic_window_open(quic)) {
		quic->stats.datagrams_refused++;
		return SOTTO_ERR_AGAIN;
	}
	writer_init_fixed(&writer, out->data, capacity);
	put_short_header(quic, &writer);
	if ((quic->ack_now || quic->ack_ns != 0) &&
	    SHORT_HEADER_LEN + ACK_LEN + 3 + bytes.len <= capacity)
		put_ack(quic, &writer);
	writer_put_u8(&writer, FRAME_DATAGRAM);
	writer_put_u16(&writer, (uint16_t)bytes.len);
	writer_put_bytes(&writer, bytes);
	quic->stats.datagrams_out++;
	finish(quic, &writer, true, now_ns, out);
	return SOTTO_OK;
}

void quic_close(struct quic *quic, uint64_t now_ns, struct link_packet *out)
{
	struct writer writer;

	out->len = 0;
	if (!quic->handshaken)
		return;
	writer_init_fixed(&writer, out->data, capacity_for(quic));
	put_short_header(quic, &writer);
	writer_put_u8(&writer, FRAME_GOODBYE);
	finish(quic, &writer, false, now_ns, out);
}
