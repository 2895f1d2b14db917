/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's connection: link/quic.h without cryptography, TLS or ngtcp2. Everything above it, from
 * tokens and limits to dialling and streams, is the released code of link/.
 *
 *     byte first | [version, ids, token: as RFC 8999 and 9000 have them] | u32 number | frames | tag[16]
 *
 *     PADDING 0 | ACK next, largest, bits | PING | DATAGRAM len, bytes | HELLO limits
 *     WELCOME exporter, limits | GOODBYE | CHUNK seq, kind, fin, stream, value, len, bytes
 *
 * Chunks carry streams and what steers them, numbered through and delivered in order, so a lost one holds
 * up all streams for a moment, unlike in QUIC. The tag is no MAC: it tells strangers and other keys apart,
 * in a world in which nobody computes forgeries. Nothing is drawn but from the random source given, so a
 * run repeats to the byte.
 */
#ifndef SIM_QUIC_STATE_H
#define SIM_QUIC_STATE_H

#include "base/list.h"
#include "base/reader.h"
#include "base/writer.h"
#include "link/quic.h"
#include "link/roam.h"

#define SIM_QUIC_TAG_LEN    16
#define SIM_QUIC_PACKET_MAX (LINK_FULL_LEN - ENVELOPE_OVERHEAD)

/* Packets that ask for an answer and have none: a stand-in for a congestion window of 100 kB. */
#define SIM_QUIC_UNANSWERED_MAX 80

/* Chunks under way; the bits of an ACK reach that far. */
#define SIM_QUIC_CHUNKS_MAX 64

enum sim_quic_frame {
	FRAME_PADDING = 0,
	FRAME_ACK,
	FRAME_PING,
	FRAME_DATAGRAM,
	FRAME_HELLO,
	FRAME_WELCOME,
	FRAME_GOODBYE,
	FRAME_CHUNK,
};

enum sim_quic_kind {
	CHUNK_DATA,
	CHUNK_RESET,  /* of a stream, both directions */
	CHUNK_CREDIT, /* value more bytes: on the stream, unless it is -1, and in all */
	CHUNK_ALLOW,  /* one more stream */
};

struct sim_quic_chunk {
	struct list link;
	uint32_t seq;
	enum sim_quic_kind kind;
	bool fin;
	bool sent;
	uint32_t packet;  /* that carried it last */
	uint64_t sent_ns; /* when */
	int64_t stream;
	uint64_t value;
	size_t len;
	uint8_t data[];
};

/* Bytes put and not yet in a chunk. */
struct sim_quic_piece {
	struct list link;
	size_t len;
	size_t at;
	bool fin;
	uint8_t data[];
};

struct sim_quic_stream {
	struct list link;
	int64_t id;
	struct list pieces;
	uint64_t put;
	uint64_t sent;
	uint64_t acked;
	uint64_t limit; /* that the other end allows */
	bool fin_put;
	bool fin_acked;
	bool fin_received;
	bool reset; /* by this end */
	bool reset_acked;
};

struct sim_quic_limits {
	uint64_t streams_bidi;
	uint64_t window_stream;
	uint64_t window_all;
};

struct quic {
	const struct allocator *allocator;
	const struct random_source *random;
	struct envelope_padding *padding;
	struct link_secrets secrets;
	const struct quic_events *events;
	void *context;
	struct roam roam;
	bool is_server;
	bool handshaken;
	bool greeting_due; /* HELLO or WELCOME */
	bool out_of_memory;
	uint64_t created_ns;
	uint8_t own_cid[LINK_CID_LEN];
	uint8_t other_cid[LINK_CID_LEN];
	uint8_t token[TOKEN_LEN];
	uint8_t exporter[LINK_EXPORTER_LEN];
	struct sim_quic_limits own;
	struct sim_quic_limits other;

	/* Sending. */
	uint32_t next_number;
	uint32_t answered; /* the largest packet number that the other end has seen */
	uint32_t forgiven; /* what a timeout no longer waits for */
	uint64_t sent_ns[256];
	bool asks[256];
	uint32_t last_asked;
	uint64_t asked_ns;
	unsigned int backoff;
	bool ping_due;
	size_t small_len;
	uint64_t silence_ns;
	struct list chunks; /* in the order of seq, until acknowledged */
	size_t chunk_count;
	uint32_t next_seq;
	uint64_t sent_all;
	uint64_t opened[2]; /* streams of this end: bidi, uni */

	/* Receiving. */
	uint32_t number_max;
	uint64_t numbers; /* bit i: number_max - i was seen */
	uint32_t expected_seq;
	struct list early; /* chunks that came before their turn */
	bool ack_now;
	uint64_t ack_ns;  /* when a lazy one is due; 0: none waits */
	uint64_t seen[2]; /* streams of the other end that were opened: bidi, uni */

	struct list streams;
	uint64_t heard_ns;
	uint64_t rtt_ns;
	struct quic_stats stats;
};

/* sim/quic_stream.c */
struct sim_quic_stream *sim_quic_find(const struct quic *quic, int64_t id);
void sim_quic_streams_destroy(struct quic *quic);
MUST_USE enum sotto_err sim_quic_chunk_add(struct quic *quic, enum sim_quic_kind kind,
					   int64_t stream, bool fin, uint64_t value,
					   struct bytes bytes);
/* Is there a piece that may be sent now? */
bool sim_quic_can_send(const struct quic *quic);
/* The next pieces as a chunk of at most len bytes, if any. */
MUST_USE enum sotto_err sim_quic_make_chunk(struct quic *quic, size_t len);
/* In order. Fails if the other end breaks the rules. */
MUST_USE enum sotto_err sim_quic_deliver(struct quic *quic, const struct sim_quic_chunk *chunk);
/* The chunk has arrived; it is given back. */
void sim_quic_chunk_acked(struct quic *quic, struct sim_quic_chunk *chunk);
/* Tells of the streams that are over. */
void sim_quic_close_streams(struct quic *quic);
void sim_quic_chunk_destroy(struct quic *quic, struct sim_quic_chunk *chunk);

/* sim/quic_packet.c */
void sim_quic_tag(const struct quic *quic, struct bytes packet, uint8_t *tag);
bool sim_quic_unsent(const struct quic *quic);
uint64_t sim_quic_timeout(const struct quic *quic);
bool sim_quic_window_open(const struct quic *quic);

#endif
