/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ngtcp2 asks and reports while it reads and writes.
 *
 * Initial keys come from a secret: HMAC(initial key, DCID) stands where RFC 9001 5.2 has the DCID, so an
 * onlooker cannot open even the hello.
 */
#include <string.h>

#include "crypto/hash.h"
#include "link/quic_internal.h"

#define CID_MAPPED_LEN 20 /* what ngtcp2 takes at most; RFC 9001 5.2 takes any length */

static void map_cid(const struct quic *quic, const ngtcp2_cid *from, ngtcp2_cid *to)
{
	uint8_t mac[HASH_LEN_MAX];

	hmac_digest(HASH_SHA256, BYTES_OF(quic->secrets.initial), BYTES(from->data, from->datalen),
		    mac);
	ngtcp2_cid_init(to, mac, CID_MAPPED_LEN);
}

static int client_initial(ngtcp2_conn *conn, void *user)
{
	ngtcp2_cid mapped;

	map_cid(user, ngtcp2_conn_get_dcid(conn), &mapped);
	if (ngtcp2_crypto_recv_client_initial_cb(conn, &mapped, user) != 0 ||
	    ngtcp2_crypto_read_write_crypto_data(conn, NGTCP2_CRYPTO_LEVEL_INITIAL, NULL, 0) != 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int recv_client_initial(ngtcp2_conn *conn, const ngtcp2_cid *dcid, void *user)
{
	ngtcp2_cid mapped;

	map_cid(user, dcid, &mapped);
	return ngtcp2_crypto_recv_client_initial_cb(conn, &mapped, user);
}

/* Never reached: quic_peek drops what looks like a Retry. ngtcp2 wants the callback on a client. */
static int recv_retry(ngtcp2_conn *conn, const ngtcp2_pkt_hd *header, void *user)
{
	(void)conn;
	(void)header;
	(void)user;
	return NGTCP2_ERR_CALLBACK_FAILURE;
}

static int handshake_completed(ngtcp2_conn *conn, void *user)
{
	struct quic *quic = user;

	(void)conn;
	if (!quic_tls_alpn_agreed(quic))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	quic->handshaken = true;
	quic->events->on_handshake(quic->context);
	return 0;
}

_Thread_local struct quic_opened quic_opened;

/* The header is what the AEAD authenticates beside the payload; its packet number is at the end. */
static void note_opened(const uint8_t *header, size_t len)
{
	quic_opened.any = true;
	if (header[0] & 0x80)
		return;
	quic_opened.is_short = true;
	quic_opened.bytes = (header[0] & 3U) + 1;
	quic_opened.number = 0;
	for (size_t i = len - quic_opened.bytes; i < len; i++)
		quic_opened.number = quic_opened.number << 8 | header[i];
}

static int decrypt(uint8_t *dest, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *ctx,
		   const uint8_t *sealed, size_t sealed_len, const uint8_t *nonce, size_t nonce_len,
		   const uint8_t *aad, size_t aad_len)
{
	int rv = ngtcp2_crypto_decrypt_cb(dest, aead, ctx, sealed, sealed_len, nonce, nonce_len,
					  aad, aad_len);

	if (rv == 0)
		note_opened(aad, aad_len);
	return rv;
}

static int recv_stream_data(ngtcp2_conn *conn, uint32_t flags, int64_t stream, uint64_t offset,
			    const uint8_t *data, size_t len, void *user, void *stream_user)
{
	struct quic *quic = user;

	(void)offset;
	(void)stream_user;
	quic->carried = true;
	(void)conn;
	if (quic->events->on_stream(quic->context, stream, BYTES(data, len),
				    flags & NGTCP2_STREAM_DATA_FLAG_FIN) != SOTTO_OK)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int acked_stream_data(ngtcp2_conn *conn, int64_t stream, uint64_t offset, uint64_t len,
			     void *user, void *stream_user)
{
	(void)conn;
	(void)stream_user;
	quic_stream_acked(user, stream, offset + len);
	return 0;
}

static int stream_open(ngtcp2_conn *conn, int64_t stream, void *user)
{
	(void)conn;
	return quic_stream_add(user, stream) == SOTTO_OK ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int stream_close(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t code, void *user,
			void *stream_user)
{
	struct quic *quic = user;
	struct quic_stream *stream = quic_stream_find(quic, id);

	(void)conn;
	(void)code;
	(void)stream_user;
	quic->carried = true;
	if (stream)
		quic_stream_remove(quic, stream);
	quic->events->on_stream_closed(quic->context, id,
				       flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET);
	return 0;
}

/* Half a stream that was reset is a whole one: the other half is of no use to anybody. */
static int stream_reset(ngtcp2_conn *conn, int64_t stream, uint64_t size, uint64_t code, void *user,
			void *stream_user)
{
	(void)size;
	(void)stream_user;
	quic_stream_silence(user, stream);
	if (ngtcp2_conn_shutdown_stream_write(conn, stream, code) != 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int stream_stop_sending(ngtcp2_conn *conn, int64_t stream, uint64_t code, void *user,
			       void *stream_user)
{
	(void)stream_user;
	quic_stream_silence(user, stream);
	if (ngtcp2_conn_shutdown_stream_read(conn, stream, code) != 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int recv_datagram(ngtcp2_conn *conn, uint32_t flags, const uint8_t *data, size_t len,
			 void *user)
{
	struct quic *quic = user;

	(void)conn;
	(void)flags;
	quic->stats.datagrams_in++;
	quic->events->on_datagram(quic->context, BYTES(data, len));
	return 0;
}

static int lost_datagram(ngtcp2_conn *conn, uint64_t id, void *user)
{
	(void)conn;
	(void)id;
	((struct quic *)user)->stats.datagrams_lost++;
	return 0;
}

/* ngtcp2 draws here what need not be secret (packet numbers to skip) and takes no refusal. */
static void draw(uint8_t *out, size_t len, const ngtcp2_rand_ctx *context)
{
	struct quic *quic = context->native_handle;

	memset(out, 0, len);
	if (random_fill(quic->random, out, len) != SOTTO_OK)
		quic->random_failed = true;
}

static int draw_or_fail(struct quic *quic, uint8_t *out, size_t len)
{
	if (random_fill(quic->random, out, len) == SOTTO_OK)
		return 0;
	quic->random_failed = true;
	return NGTCP2_ERR_CALLBACK_FAILURE;
}

static int get_path_challenge_data(ngtcp2_conn *conn, uint8_t *data, void *user)
{
	(void)conn;
	return draw_or_fail(user, data, NGTCP2_PATH_CHALLENGE_DATALEN);
}

static int get_new_connection_id(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token, size_t len,
				 void *user)
{
	struct quic *quic = user;

	(void)conn;
	if (draw_or_fail(quic, cid->data, len) != 0 ||
	    draw_or_fail(quic, token, NGTCP2_STATELESS_RESET_TOKENLEN) != 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	cid->datalen = len;
	if (quic->events->on_cid && !quic->events->on_cid(quic->context, cid->data))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int remove_connection_id(ngtcp2_conn *conn, const ngtcp2_cid *cid, void *user)
{
	struct quic *quic = user;

	(void)conn;
	if (quic->events->on_cid_retired && cid->datalen == LINK_CID_LEN)
		quic->events->on_cid_retired(quic->context, cid->data);
	return 0;
}

const ngtcp2_callbacks quic_callbacks = {
	.client_initial = client_initial,
	.recv_client_initial = recv_client_initial,
	.recv_retry = recv_retry,
	.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
	.handshake_completed = handshake_completed,
	.encrypt = ngtcp2_crypto_encrypt_cb,
	.decrypt = decrypt,
	.hp_mask = ngtcp2_crypto_hp_mask_cb,
	.update_key = ngtcp2_crypto_update_key_cb,
	.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
	.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
	.recv_stream_data = recv_stream_data,
	.acked_stream_data_offset = acked_stream_data,
	.stream_open = stream_open,
	.stream_close = stream_close,
	.stream_reset = stream_reset,
	.stream_stop_sending = stream_stop_sending,
	.recv_datagram = recv_datagram,
	.lost_datagram = lost_datagram,
	.rand = draw,
	.get_path_challenge_data = get_path_challenge_data,
	.get_new_connection_id = get_new_connection_id,
	.remove_connection_id = remove_connection_id,
};
