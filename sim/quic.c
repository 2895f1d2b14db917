/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's connection: its life, its timers, and packets on their way in.
 *
 *     timers: HELLO and WELCOME again, what was not answered again: after twice the round trip
 *             a lazy ACK 25 ms after voice; a sign of life after the phone's silence
 *             idle LINK_IDLE_MS; handshake LINK_HANDSHAKE_MS and a second
 */
#include <string.h>

#include "base/assert.h"
#include "sim/quic_state.h"

#define MS	    UINT64_C(1000000)
#define VERSION_1   1
#define LONG_BIT    0x80
#define BACKOFF_MAX 4

/* Packets behind the newest answered one after which a chunk counts as lost (RFC 9002 6.1.1). */
#define REORDERED_MAX 3

/* How far ahead of its turn a chunk may come. */
#define EARLY_MAX 1024

struct quic_tls {
	const struct allocator *allocator;
};

enum sotto_err quic_tls_create(const struct allocator *allocator, struct quic_tls **tls)
{
	struct quic_tls *made = allocator_take_zeroed(allocator, 1, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = allocator;
	*tls = made;
	return SOTTO_OK;
}

void quic_tls_destroy(struct quic_tls *tls)
{
	if (tls != NULL)
		allocator_give(tls->allocator, tls, sizeof(*tls));
}

enum sotto_err quic_peek(struct bytes payload, struct quic_header *header)
{
	struct quic_header peeked;
	struct reader reader;
	uint32_t version = VERSION_1;
	uint8_t len = LINK_CID_LEN;

	reader_init(&reader, payload);
	peeked.is_long = (reader_get_u8(&reader) & LONG_BIT) != 0;
	if (peeked.is_long) {
		version = reader_get_u32(&reader);
		len = reader_get_u8(&reader);
	}
	if (version != VERSION_1)
		return SOTTO_ERR_VERSION;
	reader_get_array(&reader, peeked.dcid, sizeof(peeked.dcid));
	if (reader.err != SOTTO_OK || len != LINK_CID_LEN)
		return SOTTO_ERR_FORMAT;
	*header = peeked;
	return SOTTO_OK;
}

/* Behind the ids: the token, empty from a relay, its length as an integer of RFC 9000 16 in two bytes. */
static void read_long_header(struct reader *reader, struct quic_initial *initial)
{
	uint16_t token_len;

	if ((reader_get_u8(reader) & LONG_BIT) == 0 || reader_get_u32(reader) != VERSION_1 ||
	    reader_get_u8(reader) != LINK_CID_LEN)
		reader_fail(reader, SOTTO_ERR_FORMAT);
	reader_get_array(reader, initial->dcid, sizeof(initial->dcid));
	if (reader_get_u8(reader) != LINK_CID_LEN)
		reader_fail(reader, SOTTO_ERR_FORMAT);
	reader_get_array(reader, initial->scid, sizeof(initial->scid));
	token_len = reader_get_u16(reader);
	if (token_len >> 14 != 1)
		reader_fail(reader, SOTTO_ERR_FORMAT);
	initial->token = reader_get_bytes(reader, token_len & 0x3fff);
}

enum sotto_err quic_peek_initial(struct bytes packet, struct quic_initial *initial)
{
	struct quic_initial peeked;
	struct reader reader;

	reader_init(&reader, packet);
	read_long_header(&reader, &peeked);
	if (reader.err != SOTTO_OK)
		return SOTTO_ERR_FORMAT;
	*initial = peeked;
	return SOTTO_OK;
}

static enum sotto_err create(const struct quic_config *config, bool is_server, struct quic **quic)
{
	struct quic *made = allocator_take_zeroed(config->allocator, 1, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = config->allocator;
	made->random = config->random;
	made->padding = config->padding;
	made->secrets = *config->secrets;
	made->events = config->events;
	made->context = config->context;
	roam_init(&made->roam, &config->path);
	made->is_server = is_server;
	made->created_ns = config->now_ns;
	made->heard_ns = config->now_ns;
	made->next_number = 1;
	made->own = (struct sim_quic_limits){.streams_bidi = config->streams_bidi,
					     .window_stream = config->window_stream,
					     .window_all = config->window_all};
	list_init(&made->streams);
	list_init(&made->chunks);
	list_init(&made->early);
	*quic = made;
	return SOTTO_OK;
}

enum sotto_err quic_create_client(const struct quic_config *config, uint64_t utc_ms,
				  struct quic **quic)
{
	struct quic *made = NULL;
	enum sotto_err err;

	TRY(create(config, false, &made));
	TRY(random_fill(config->random, made->other_cid, sizeof(made->other_cid)));
	TRY(random_fill(config->random, made->own_cid, sizeof(made->own_cid)));
	TRY(token_create(config->secrets, config->random, made->other_cid, utc_ms, made->token));
	made->greeting_due = true;
	*quic = made;
	made = NULL;
out:
	quic_destroy(made);
	return err;
}

enum sotto_err quic_create_server(const struct quic_config *config,
				  const struct quic_initial *initial, struct quic **quic)
{
	struct quic *made = NULL;
	enum sotto_err err;

	TRY(create(config, true, &made));
	memcpy(made->other_cid, initial->scid, sizeof(made->other_cid));
	TRY(random_fill(config->random, made->own_cid, sizeof(made->own_cid)));
	TRY(random_fill(config->random, made->exporter, sizeof(made->exporter)));
	FAIL_IF(!made->events->on_cid(made->context, made->own_cid), SOTTO_ERR_NO_MEMORY);
	*quic = made;
	made = NULL;
out:
	quic_destroy(made);
	return err;
}

void quic_destroy(struct quic *quic)
{
	if (quic == NULL)
		return;
	sim_quic_streams_destroy(quic);
	allocator_wipe(quic->allocator, quic, sizeof(*quic));
}

/* New, and not a copy of one that was seen? */
static bool first_time(struct quic *quic, uint32_t number)
{
	uint32_t behind = quic->number_max - number;

	if (number > quic->number_max) {
		uint32_t ahead = number - quic->number_max;

		quic->numbers = ahead < 64 ? quic->numbers << ahead | 1 : 1;
		quic->number_max = number;
		return true;
	}
	if (behind >= 64 || (quic->numbers >> behind & 1) != 0)
		return false;
	quic->numbers |= UINT64_C(1) << behind;
	return true;
}

static void read_ack(struct quic *quic, struct reader *reader, uint64_t now_ns)
{
	uint32_t next = reader_get_u32(reader);
	uint32_t largest = reader_get_u32(reader);
	uint64_t bits = reader_get_u64(reader);

	if (reader->err != SOTTO_OK || largest >= quic->next_number)
		return;
	if (largest > quic->answered) {
		uint64_t sample = now_ns - quic->sent_ns[largest % ARRAY_LEN(quic->sent_ns)];

		quic->answered = largest;
		quic->backoff = 0;
		quic->rtt_ns = quic->rtt_ns == 0 ? sample : (7 * quic->rtt_ns + sample) / 8;
	}
	list_for_each (element, following, &quic->chunks) {
		struct sim_quic_chunk *chunk = CONTAINER_OF(element, struct sim_quic_chunk, link);
		uint32_t ahead = chunk->seq - next - 1;

		if (chunk->seq < next || (ahead < 64 && (bits >> ahead & 1) != 0))
			sim_quic_chunk_acked(quic, chunk);
		else if (chunk->sent && chunk->packet + REORDERED_MAX < quic->answered)
			chunk->sent = false;
	}
}

/* Into the list of those that came early, once each, in the order of seq. */
static void keep_chunk(struct quic *quic, const struct sim_quic_chunk *chunk, struct bytes bytes)
{
	struct list *behind = quic->early.previous;
	struct sim_quic_chunk *kept;

	if (chunk->seq < quic->expected_seq || chunk->seq - quic->expected_seq > EARLY_MAX)
		return;
	while (behind != &quic->early &&
	       CONTAINER_OF(behind, struct sim_quic_chunk, link)->seq > chunk->seq)
		behind = behind->previous;
	if (behind != &quic->early &&
	    CONTAINER_OF(behind, struct sim_quic_chunk, link)->seq == chunk->seq)
		return;
	kept = allocator_take_zeroed(quic->allocator, 1, sizeof(*kept) + bytes.len);
	if (kept == NULL)
		return; /* it is not acknowledged, so it comes again */
	*kept = *chunk;
	kept->len = bytes.len;
	if (bytes.len != 0)
		memcpy(kept->data, bytes.data, bytes.len);
	list_append(behind->next, &kept->link);
}

static void read_chunk(struct quic *quic, struct reader *reader)
{
	struct sim_quic_chunk chunk = {.seq = reader_get_u32(reader)};
	struct bytes bytes;

	chunk.kind = (enum sim_quic_kind)reader_get_u8(reader);
	chunk.fin = reader_get_u8(reader) != 0;
	chunk.stream = (int64_t)reader_get_u64(reader);
	chunk.value = reader_get_u64(reader);
	bytes = reader_get_bytes(reader, reader_get_u16(reader));
	if (reader->err == SOTTO_OK)
		keep_chunk(quic, &chunk, bytes);
}

static enum sotto_err deliver_in_order(struct quic *quic)
{
	enum sotto_err err = SOTTO_OK;

	while (err == SOTTO_OK && !list_empty(&quic->early)) {
		struct sim_quic_chunk *chunk =
			CONTAINER_OF(quic->early.next, struct sim_quic_chunk, link);

		if (chunk->seq != quic->expected_seq)
			break;
		quic->expected_seq++;
		err = sim_quic_deliver(quic, chunk);
		sim_quic_chunk_destroy(quic, chunk);
	}
	return err;
}

static void read_greeting(struct quic *quic, struct reader *reader, uint8_t frame)
{
	uint8_t exporter[LINK_EXPORTER_LEN];
	struct sim_quic_limits limits;

	if (frame == FRAME_WELCOME)
		reader_get_array(reader, exporter, sizeof(exporter));
	limits.streams_bidi = reader_get_u64(reader);
	limits.window_stream = reader_get_u64(reader);
	limits.window_all = reader_get_u64(reader);
	if (reader->err != SOTTO_OK || quic->handshaken ||
	    (frame == FRAME_WELCOME) == quic->is_server)
		return;
	quic->other = limits;
	if (quic->is_server) {
		quic->greeting_due = true;
		return;
	}
	memcpy(quic->exporter, exporter, sizeof(exporter));
	quic->greeting_due = false;
	quic->handshaken = true;
	quic->ack_now = true;
	quic->answered = quic->next_number - 1;
	quic->events->on_handshake(quic->context);
}

/* Acknowledgements of voice wait for a datagram to ride on; everything else is answered at once. */
static void answer(struct quic *quic, bool asked, bool only_voice, uint64_t now_ns)
{
	if (!asked)
		return;
	if (quic->small_len == 0 || !only_voice)
		quic->ack_now = true;
	else if (quic->ack_ns == 0)
		quic->ack_ns = now_ns + QUIC_LAZY_ACK_NS;
}

static enum sotto_err read_frames(struct quic *quic, struct reader *reader, uint64_t now_ns,
				  enum link_reason *reason)
{
	bool asked = false;
	bool only_voice = true;

	while (reader_more(reader)) {
		uint8_t frame = reader_get_u8(reader);
		struct bytes bytes;

		asked |= frame != FRAME_ACK && frame != FRAME_PADDING;
		only_voice &= frame == FRAME_ACK || frame == FRAME_DATAGRAM;
		switch (frame) {
		case FRAME_PADDING:
		case FRAME_PING:
			break;
		case FRAME_ACK:
			read_ack(quic, reader, now_ns);
			break;
		case FRAME_DATAGRAM:
			bytes = reader_get_bytes(reader, reader_get_u16(reader));
			quic->stats.datagrams_in++;
			if (reader->err == SOTTO_OK)
				quic->events->on_datagram(quic->context, bytes);
			break;
		case FRAME_HELLO:
		case FRAME_WELCOME:
			read_greeting(quic, reader, frame);
			break;
		case FRAME_CHUNK:
			read_chunk(quic, reader);
			break;
		case FRAME_GOODBYE:
			*reason = LINK_REASON_PEER_CLOSED;
			return SOTTO_ERR_CLOSED;
		default:
			reader_fail(reader, SOTTO_ERR_FORMAT);
			break;
		}
	}
	answer(quic, asked && quic->handshaken, only_voice, now_ns);
	if (reader_finish(reader) == SOTTO_OK && deliver_in_order(quic) == SOTTO_OK) {
		sim_quic_close_streams(quic);
		return SOTTO_OK;
	}
	*reason = LINK_REASON_PROTOCOL;
	return SOTTO_ERR_CLOSED;
}

enum sotto_err quic_receive(struct quic *quic, const struct link_path *path, struct bytes packet,
			    size_t payload_len, uint64_t now_ns, enum link_reason *reason)
{
	uint8_t tag[SIM_QUIC_TAG_LEN];
	struct quic_initial initial;
	struct reader reader;
	uint32_t number;
	bool is_long;

	if (packet.len < SIM_QUIC_TAG_LEN + 1)
		return SOTTO_OK;
	packet.len -= SIM_QUIC_TAG_LEN;
	sim_quic_tag(quic, packet, tag);
	if (memcmp(tag, packet.data + packet.len, sizeof(tag)) != 0) {
		/* Of another key, or damaged: dropped, unless nothing else ever came (link_drop: HANDSHAKE). */
		*reason = LINK_REASON_PROTOCOL;
		return quic->is_server && quic->number_max == 0 ? SOTTO_ERR_CLOSED : SOTTO_OK;
	}
	is_long = (packet.data[0] & LONG_BIT) != 0;
	reader_init(&reader, packet);
	if (is_long)
		read_long_header(&reader, &initial);
	else
		(void)reader_get_bytes(&reader, 1 + LINK_CID_LEN);
	number = reader_get_u32(&reader);
	if (reader.err == SOTTO_OK && quic->is_server && !is_long)
		(void)roam_heard(&quic->roam, path, number, sizeof(number), payload_len,
				 quic->rtt_ns, now_ns);
	if (reader.err != SOTTO_OK || !first_time(quic, number))
		return SOTTO_OK;
	quic->heard_ns = now_ns;
	quic->stats.packets_in++;
	if (is_long && !quic->is_server && !quic->handshaken)
		memcpy(quic->other_cid, initial.scid, sizeof(quic->other_cid));
	/* A short packet shows that the phone has the welcome. */
	if (!is_long && quic->is_server && !quic->handshaken) {
		quic->handshaken = true;
		quic->greeting_due = false;
		quic->events->on_handshake(quic->context);
	}
	if (is_long && quic->handshaken)
		quic->ack_now = true; /* a welcome again: ours was lost */
	return read_frames(quic, &reader, now_ns, reason);
}

/* When the oldest thing that waits for an answer was sent; LINK_NEVER: nothing does. */
static uint64_t waits_since(const struct quic *quic)
{
	uint64_t since_ns = quic->last_asked > quic->answered ? quic->asked_ns : LINK_NEVER;

	list_for_each (element, following, &quic->chunks) {
		const struct sim_quic_chunk *chunk =
			CONTAINER_OF(element, struct sim_quic_chunk, link);

		if (chunk->sent && chunk->sent_ns < since_ns)
			since_ns = chunk->sent_ns;
	}
	return since_ns;
}

static uint64_t timeout_ns(const struct quic *quic)
{
	uint64_t since_ns = waits_since(quic);

	return since_ns == LINK_NEVER ? LINK_NEVER : since_ns + sim_quic_timeout(quic);
}

bool quic_unanswered(const struct quic *quic)
{
	return waits_since(quic) != LINK_NEVER;
}

/* Everything that was under way goes again; without anything, a sign of life. */
static void time_out(struct quic *quic, uint64_t now_ns)
{
	if (quic->backoff < BACKOFF_MAX)
		quic->backoff++;
	quic->forgiven = quic->next_number - 1;
	quic->asked_ns = now_ns;
	if (!quic->handshaken) {
		quic->greeting_due = true;
		return;
	}
	list_for_each (element, following, &quic->chunks)
		CONTAINER_OF(element, struct sim_quic_chunk, link)->sent = false;
	quic->ping_due = true;
}

static uint64_t keep_alive_ns(const struct quic *quic)
{
	uint64_t from = quic->heard_ns > quic->asked_ns ? quic->heard_ns : quic->asked_ns;

	return quic->silence_ns == 0 || !quic->handshaken ? LINK_NEVER : from + quic->silence_ns;
}

static uint64_t idle_ns(const struct quic *quic)
{
	return quic->handshaken ? quic->heard_ns + LINK_IDLE_MS * MS
				: quic->created_ns + (LINK_HANDSHAKE_MS + 1000) * MS;
}

enum sotto_err quic_expire(struct quic *quic, uint64_t now_ns, enum link_reason *reason)
{
	if (idle_ns(quic) <= now_ns) {
		*reason = quic->handshaken ? LINK_REASON_IDLE : LINK_REASON_NO_ANSWER;
		return SOTTO_ERR_CLOSED;
	}
	if (quic->ack_ns != 0 && quic->ack_ns <= now_ns)
		quic->ack_now = true;
	if (timeout_ns(quic) <= now_ns)
		time_out(quic, now_ns);
	if (keep_alive_ns(quic) <= now_ns)
		quic->ping_due = true;
	return SOTTO_OK;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t quic_deadline(const struct quic *quic)
{
	uint64_t at_ns = idle_ns(quic);

	if (quic->ack_ns != 0 && !quic->ack_now)
		at_ns = sooner(at_ns, quic->ack_ns);
	at_ns = sooner(at_ns, timeout_ns(quic));
	if (!quic->ping_due)
		at_ns = sooner(at_ns, keep_alive_ns(quic));
	return at_ns;
}

void quic_move(struct quic *quic, uint32_t socket)
{
	quic->roam.path.socket = socket;
	quic->ping_due = true;
}

bool quic_owns(const struct quic *quic, const uint8_t *cid)
{
	return memcmp(quic->own_cid, cid, LINK_CID_LEN) == 0;
}

void quic_set_small(struct quic *quic, size_t small_len)
{
	quic->small_len = small_len;
	if (small_len == 0 && quic->ack_ns != 0)
		quic->ack_now = true;
}

void quic_keep_alive(struct quic *quic, uint64_t silence_ns)
{
	quic->silence_ns = silence_ns;
}

const struct link_secrets *quic_secrets(const struct quic *quic)
{
	return &quic->secrets;
}

uint64_t quic_heard_ns(const struct quic *quic)
{
	return quic->heard_ns;
}

void quic_path(const struct quic *quic, struct link_path *path)
{
	*path = quic->roam.path;
}

enum sotto_err quic_exporter(const struct quic *quic, uint8_t *exporter)
{
	if (!quic->handshaken)
		return SOTTO_ERR_STATE;
	memcpy(exporter, quic->exporter, LINK_EXPORTER_LEN);
	return SOTTO_OK;
}

void quic_stats(const struct quic *quic, struct quic_stats *stats)
{
	*stats = quic->stats;
	stats->rtt_ns = quic->rtt_ns;
}
