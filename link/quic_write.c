/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out: datagrams at once or never, then whatever ngtcp2 owes (acknowledgements, lost data), then
 * streams in turn, as long as the congestion window has room above the reserve for voice. No pacing: it
 * would delay voice behind streams.
 */
#include <string.h>

#include "link/quic_internal.h"

#define FULL (LINK_FULL_LEN - ENVELOPE_OVERHEAD)

/* Short header with the longest packet number 13, datagram frame 3, tag 16. */
#define DATAGRAM_OVERHEAD 32

/* How large a packet of streams or datagrams may be. */
static size_t room(const struct quic *quic)
{
	return quic->small_len && quic->handshaken ? quic->small_len - ENVELOPE_OVERHEAD : FULL;
}

static void finish(struct quic *quic, size_t len, struct link_packet *out)
{
	out->len = quic->small_len && len + ENVELOPE_OVERHEAD <= quic->small_len ? quic->small_len
										 : LINK_FULL_LEN;
	out->path = quic->roam.path;
	roam_sent(&quic->roam, out->len);
	if (quic->pinging) {
		quic->pinging = false;
		ngtcp2_conn_set_keep_alive_timeout(quic->conn, quic->keep_alive_ns);
	}
	envelope_seal(&quic->secrets, quic->padding, out->data, len, out->len);
	quic->lazy_until = 0;
	quic->unanswered = 0;
	quic->stats.packets_out++;
}

bool quic_streams_allowed(const struct quic *quic)
{
	ngtcp2_conn_stat stat;
	uint64_t reserve = QUIC_VOICE_RESERVE;

	if (!quic->handshaken)
		return false;
	if (!quic->small_len)
		return true;
	ngtcp2_conn_get_conn_stat(quic->conn, &stat);
	if (reserve > stat.cwnd / 2)
		reserve = stat.cwnd / 2;
	return stat.bytes_in_flight + reserve < stat.cwnd;
}

/* One try with one stream (NULL: none). Negative values are ngtcp2's. */
static ngtcp2_ssize try_stream(struct quic *quic, struct quic_stream *stream,
			       struct link_packet *out, uint64_t now_ns)
{
	ngtcp2_vec vecs[QUIC_VECS_MAX];
	ngtcp2_ssize accepted = -1;
	ngtcp2_ssize len;
	size_t count = 0;
	size_t offered = 0;
	uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_NONE;

	if (stream) {
		count = quic_stream_peek(stream, vecs);
		for (size_t i = 0; i < count; i++)
			offered += vecs[i].len;
		if (stream->fin && stream->sent + offered == stream->end)
			flags = NGTCP2_WRITE_STREAM_FLAG_FIN;
	}
	len = ngtcp2_conn_writev_stream(quic->conn, NULL, NULL, out->data, room(quic), &accepted,
					flags, stream ? stream->id : -1, vecs, count, now_ns);
	if (!stream)
		return len;
	if (accepted >= 0) {
		stream->sent += (uint64_t)accepted;
		stream->fin_sent = flags && (size_t)accepted == offered;
	}
	return len;
}

/* ngtcp2's refusals that concern one stream only. */
static bool refused(struct quic *quic, struct quic_stream *stream, ngtcp2_ssize verdict)
{
	if (!stream)
		return false;
	if (verdict == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
		stream->blocked = true;
		return true;
	}
	if (verdict == NGTCP2_ERR_STREAM_SHUT_WR || verdict == NGTCP2_ERR_STREAM_NOT_FOUND) {
		quic_stream_silence(quic, stream->id);
		return true;
	}
	return false;
}

enum sotto_err quic_write(struct quic *quic, uint64_t now_ns, struct link_packet *out,
			  enum link_reason *reason)
{
	struct quic_stream *stream;
	ngtcp2_ssize len = 0;

	out->len = 0;
	if (quic->stash) {
		*out = *quic->stash;
		allocator_give(quic->allocator, quic->stash, sizeof(*quic->stash));
		quic->stash = NULL;
		return SOTTO_OK;
	}
	if (!quic->wants_write)
		return SOTTO_OK;
	now_ns = quic_now(quic, now_ns);
	if (!roam_may_send(&quic->roam, LINK_FULL_LEN)) {
		quic->wants_write = false; /* until more comes from there */
		return SOTTO_OK;
	}
	do {
		stream = quic_streams_allowed(quic) ? quic_stream_next(quic) : NULL;
		len = try_stream(quic, stream, out, now_ns);
	} while (refused(quic, stream, len));
	if (len < 0 || quic->random_failed)
		return quic_verdict(quic, (int)len, reason);
	if (len == 0)
		quic->wants_write = false;
	else
		finish(quic, (size_t)len, out);
	return SOTTO_OK;
}

/* A packet that left no room for the datagram (a long acknowledgement) still has to go. */
static void stash(struct quic *quic, const struct link_packet *packet)
{
	if (quic->stash)
		return; /* lost, as packets are; it will be repeated */
	quic->stash = allocator_take(quic->allocator, sizeof(*quic->stash));
	if (quic->stash)
		*quic->stash = *packet;
}

enum sotto_err quic_datagram(struct quic *quic, struct bytes bytes, uint64_t now_ns,
			     struct link_packet *out)
{
	/* ngtcp2's vector is not const; it is only read. */
	ngtcp2_vec vec = {.base = (uint8_t *)(uintptr_t)bytes.data, .len = bytes.len};
	size_t capacity = room(quic);
	int accepted = 0;
	ngtcp2_ssize len;

	out->len = 0;
	if (!quic->handshaken)
		return SOTTO_ERR_STATE;
	if (bytes.len > LINK_DATAGRAM_LEN_MAX ||
	    (quic->small_len &&
	     bytes.len + DATAGRAM_OVERHEAD + ENVELOPE_OVERHEAD > quic->small_len))
		return SOTTO_ERR_LIMIT;
	now_ns = quic_now(quic, now_ns);
	if (!roam_may_send(&quic->roam, quic->small_len ? quic->small_len : LINK_FULL_LEN)) {
		quic->stats.datagrams_refused++;
		return SOTTO_ERR_AGAIN;
	}
	for (int attempt = 0; attempt < 3; attempt++) {
		len = ngtcp2_conn_writev_datagram(quic->conn, NULL, NULL, out->data, capacity,
						  &accepted, NGTCP2_WRITE_DATAGRAM_FLAG_NONE, 0,
						  &vec, 1, now_ns);
		if (len <= 0 || quic->random_failed)
			break;
		finish(quic, (size_t)len, out);
		if (accepted) {
			quic->stats.datagrams_out++;
			return SOTTO_OK;
		}
		stash(quic, out);
		out->len = 0;
	}
	quic->stats.datagrams_refused++;
	return SOTTO_ERR_AGAIN;
}

void quic_close(struct quic *quic, uint64_t now_ns, struct link_packet *out)
{
	ngtcp2_connection_close_error why;
	ngtcp2_ssize len;

	out->len = 0;
	if (!quic->handshaken)
		return;
	now_ns = quic_now(quic, now_ns);
	ngtcp2_connection_close_error_set_application_error(&why, 0, NULL, 0);
	len = ngtcp2_conn_write_connection_close(quic->conn, NULL, NULL, out->data, FULL, &why,
						 now_ns);
	if (len > 0)
		finish(quic, (size_t)len, out);
}
