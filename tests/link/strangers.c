/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of strangers. The nearly right ones are made from the engine's own parts (token, envelope, connection), so
 * that they stay nearly right when the link changes.
 */
#include "tests/link/strangers.h"

#include <string.h>

#include "base/assert.h"
#include "base/writer.h"
#include "link/envelope.h"
#include "link/quic.h"
#include "link/secrets.h"
#include "link/token.h"

#define TOKEN_AT   25
#define PACKET_LEN (LINK_FULL_LEN - ENVELOPE_OVERHEAD)

static void scramble(const struct strangers *strangers, uint8_t *data, size_t len)
{
	ASSERT(random_fill(strangers->random, data, len) == SOTTO_OK);
}

static uint32_t draw(const struct strangers *strangers, uint32_t below)
{
	uint32_t number;

	scramble(strangers, (uint8_t *)&number, sizeof(number));
	return number % below;
}

/* A first packet with a sealed envelope, as a phone that has `key` makes it; its inside is noise. */
static size_t make_initial(const struct strangers *strangers, uint8_t *out,
			   const struct link_key *key, uint64_t utc_ms, size_t token_len)
{
	struct link_secrets secrets;
	struct envelope_padding padding;
	struct writer writer;
	uint8_t ids[16];
	uint8_t token[TOKEN_LEN];

	scramble(strangers, out, LINK_FULL_LEN);
	scramble(strangers, ids, sizeof(ids));
	link_secrets_derive(key, &secrets);
	ASSERT(envelope_padding_init(&padding, strangers->random) == SOTTO_OK);
	ASSERT(token_create(&secrets, strangers->random, ids, utc_ms, token) == SOTTO_OK);
	writer_init_fixed(&writer, out, LINK_FULL_LEN);
	writer_put_u8(&writer, 0xc3);
	writer_put_u32(&writer, 1);
	writer_put_vector(&writer, BYTES(ids, 8));
	writer_put_vector(&writer, BYTES(ids + 8, 8));
	writer_put_u16(&writer, (uint16_t)(0x4000 | token_len));
	writer_put_bytes(&writer, BYTES(token, token_len));
	writer_put_u16(&writer, (uint16_t)(0x4000 | (PACKET_LEN - writer.len - 2)));
	ASSERT(writer.err == SOTTO_OK);
	envelope_seal(&secrets, &padding, out, PACKET_LEN, LINK_FULL_LEN);
	return LINK_FULL_LEN;
}

static size_t make_garbage(const struct strangers *strangers, uint8_t *out)
{
	size_t len = 1 + draw(strangers, LINK_FULL_LEN);

	scramble(strangers, out, len);
	return len;
}

static size_t make_full_garbage(const struct strangers *strangers, uint8_t *out)
{
	scramble(strangers, out, LINK_FULL_LEN);
	out[0] |= 0x40;
	return LINK_FULL_LEN;
}

/* A plain QUIC client knocks: an Initial without envelope or token. */
static size_t make_plain_initial(const struct strangers *strangers, uint8_t *out)
{
	static const uint8_t head[] = {0xc3, 0, 0, 0, 1, 8, 1, 2,    3,
				       4,    5, 6, 7, 8, 0, 0, 0x44, 0x9e};

	scramble(strangers, out, LINK_FULL_LEN);
	memcpy(out, head, sizeof(head));
	return 1200 + draw(strangers, 33);
}

static size_t make_version_bait(const struct strangers *strangers, uint8_t *out)
{
	size_t len = make_plain_initial(strangers, out);

	scramble(strangers, out + 1, 4);
	return len;
}

static size_t make_no_token(const struct strangers *strangers, uint8_t *out)
{
	return make_initial(strangers, out, &strangers->key, strangers->utc_ms, 0);
}

static size_t make_other_key(const struct strangers *strangers, uint8_t *out)
{
	struct link_key other = strangers->key;

	other.secret[draw(strangers, 32)] ^= (uint8_t)(1 + draw(strangers, 255));
	return make_initial(strangers, out, &other, strangers->utc_ms, TOKEN_LEN);
}

static size_t make_other_number(const struct strangers *strangers, uint8_t *out)
{
	struct link_key other = strangers->key;

	other.number += 1 + draw(strangers, 1000);
	return make_initial(strangers, out, &other, strangers->utc_ms, TOKEN_LEN);
}

/* The envelope of our key, the token of another: somebody who has half of it. */
static size_t make_forged_token(const struct strangers *strangers, uint8_t *out)
{
	struct link_secrets secrets;
	struct envelope_padding padding;

	(void)make_initial(strangers, out, &strangers->key, strangers->utc_ms, TOKEN_LEN);
	out[TOKEN_AT + draw(strangers, TOKEN_LEN)] ^= 1;
	link_secrets_derive(&strangers->key, &secrets);
	ASSERT(envelope_padding_init(&padding, strangers->random) == SOTTO_OK);
	envelope_seal(&secrets, &padding, out, PACKET_LEN, LINK_FULL_LEN);
	return LINK_FULL_LEN;
}

static size_t make_too_old(const struct strangers *strangers, uint8_t *out)
{
	return make_initial(strangers, out, &strangers->key,
			    strangers->utc_ms - LINK_WINDOW_MS - 1 - draw(strangers, 10000000),
			    TOKEN_LEN);
}

static size_t make_too_early(const struct strangers *strangers, uint8_t *out)
{
	/* A second more: a live test takes time. */
	return make_initial(strangers, out, &strangers->key,
			    strangers->utc_ms + LINK_WINDOW_MS + 1000 + draw(strangers, 10000000),
			    TOKEN_LEN);
}

/* Everything right but what is inside: the token was copied, or TLS has another PSK. */
static size_t make_right_token(const struct strangers *strangers, uint8_t *out)
{
	return make_initial(strangers, out, &strangers->key, strangers->utc_ms, TOKEN_LEN);
}

static bool no_cid(void *context, const uint8_t *cid)
{
	(void)context;
	(void)cid;
	return true;
}

/* Envelope, token and Initial keys of our key, and a real hello that is bound to this PSK. */
static size_t make_hello(const struct strangers *strangers, uint8_t psk_change, uint8_t *out)
{
	static const struct quic_events events = {.on_cid = no_cid};
	struct link_secrets secrets;
	struct envelope_padding padding;
	struct quic_tls *tls;
	struct quic *quic;
	struct link_packet packet;
	enum link_reason reason;
	struct quic_config config = {
		.allocator = &allocator_default,
		.random = strangers->random,
		.padding = &padding,
		.secrets = &secrets,
		.events = &events,
		.path = {.remote = strangers->relay},
		.now_ns = strangers->now_ns,
	};

	link_secrets_derive(&strangers->key, &secrets);
	secrets.psk[7] ^= psk_change;
	ASSERT(envelope_padding_init(&padding, strangers->random) == SOTTO_OK);
	ASSERT(quic_tls_create(&allocator_default, &tls) == SOTTO_OK);
	config.tls = tls;
	ASSERT(quic_create_client(&config, strangers->utc_ms, &quic) == SOTTO_OK);
	ASSERT(quic_write(quic, strangers->now_ns, &packet, &reason) == SOTTO_OK);
	ASSERT(packet.len == LINK_FULL_LEN);
	memcpy(out, packet.data, packet.len);
	quic_destroy(quic);
	quic_tls_destroy(tls);
	return LINK_FULL_LEN;
}

static size_t make_wrong_psk(const struct strangers *strangers, uint8_t *out)
{
	return make_hello(strangers, 1, out);
}

size_t strangers_make_right(const struct strangers *strangers, uint8_t *out)
{
	return make_hello(strangers, 0, out);
}

size_t strangers_make_replay(const struct strangers *strangers, uint8_t *out)
{
	memcpy(out, strangers->first, strangers->first_len);
	return strangers->first_len;
}

/* A captured first packet with one bit changed. */
static size_t make_flipped(const struct strangers *strangers, uint8_t *out)
{
	size_t len = strangers_make_replay(strangers, out);
	size_t bit = draw(strangers, (uint32_t)(8 * len));

	out[bit / 8] ^= (uint8_t)(1 << bit % 8);
	return len;
}

static size_t make_truncated(const struct strangers *strangers, uint8_t *out)
{
	size_t len = strangers_make_replay(strangers, out);

	return 1 + draw(strangers, (uint32_t)len - 1);
}

const struct stranger strangers_table[STRANGERS_COUNT] = {
	{"garbage", make_garbage, LINK_DROP_STRANGER},
	{"full garbage", make_full_garbage, LINK_DROP_STRANGER},
	{"plain initial", make_plain_initial, LINK_DROP_ENVELOPE},
	{"version bait", make_version_bait, LINK_DROP_STRANGER},
	{"no token", make_no_token, LINK_DROP_TOKEN},
	{"other key", make_other_key, LINK_DROP_ENVELOPE},
	{"other number", make_other_number, LINK_DROP_ENVELOPE},
	{"forged token", make_forged_token, LINK_DROP_TOKEN},
	{"too old", make_too_old, LINK_DROP_WINDOW},
	{"too early", make_too_early, LINK_DROP_WINDOW},
	{"right token, wrong inside", make_right_token, LINK_DROP_HANDSHAKE},
	{"right token, wrong PSK", make_wrong_psk, LINK_DROP_HANDSHAKE},
	{"replayed", strangers_make_replay, LINK_DROP_REPLAY},
	{"replayed, flipped", make_flipped, LINK_DROP_REPLAY},
	{"replayed, cut", make_truncated, LINK_DROP_ENVELOPE},
};
