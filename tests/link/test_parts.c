/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, tokens, envelope, replay cache, timers and connection ids, each by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/hex.h"
#include "link/cid_map.h"
#include "link/envelope.h"
#include "link/replay.h"
#include "link/roam.h"
#include "link/secrets.h"
#include "link/timers.h"
#include "link/token.h"

/* Printed by tests/link/vectors.py. */
#define KNOWN_PSK_ID   "bd46e40748e53ef1a7dc72fb71c56117"
#define KNOWN_PSK      "77573bf1fc1723dbd37773ed82a6e95a97bf7f152fe7249a8d60865e1b777663"
#define KNOWN_INITIAL  "2724ee406a47a2f187135f82c766beac98ef501c607764793554ebfc44e25944"
#define KNOWN_ENVELOPE "d7f3d8139f0625e5159b2cef2131779180fa23ac1b3ea61797ea89de97ee770d"
#define KNOWN_TOKEN \
	"000102030405060708090a0b0c0d0e0f07147cbc311a776021af69ccb13d2b2f" \
	"358eb4959ec37d13"

static enum sotto_err count_up(void *context, uint8_t *out, size_t len)
{
	uint8_t *next = context;

	for (size_t i = 0; i < len; i++)
		out[i] = (*next)++;
	return SOTTO_OK;
}

static uint8_t next_byte;
static const struct random_source random_source = {.fill = count_up, .context = &next_byte};

static void make_key(struct link_key *key)
{
	*key = (struct link_key){.kind = LINK_KEY_ACCESS, .number = 7};
	for (size_t i = 0; i < sizeof(key->secret); i++)
		key->secret[i] = (uint8_t)i;
}

/* Kind, number and every byte of the secret change every derived key; no two of one key are equal. */
static void test_derivation(void **state)
{
	struct link_key key;
	struct link_secrets one;
	struct link_secrets other;

	(void)state;
	make_key(&key);
	link_secrets_derive(&key, &one);
	for (size_t i = 0; i < sizeof(key.secret) + 2; i++) {
		struct link_key changed = key;

		if (i < sizeof(key.secret))
			changed.secret[i] ^= 0x80;
		else if (i == sizeof(key.secret))
			changed.kind = LINK_KEY_PORCH;
		else
			changed.number++;
		link_secrets_derive(&changed, &other);
		assert_memory_not_equal(one.psk_id, other.psk_id, sizeof(one.psk_id));
		assert_memory_not_equal(one.psk, other.psk, sizeof(one.psk));
		assert_memory_not_equal(one.token_mac, other.token_mac, sizeof(one.token_mac));
		assert_memory_not_equal(one.token_mask, other.token_mask, sizeof(one.token_mask));
		assert_memory_not_equal(one.initial, other.initial, sizeof(one.initial));
		assert_memory_not_equal(one.envelope, other.envelope, sizeof(one.envelope));
	}
	const uint8_t *const derived[] = {one.psk, one.token_mac, one.token_mask, one.initial,
					  one.envelope};

	for (size_t i = 0; i < ARRAY_LEN(derived); i++) {
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(derived[i], derived[k], LINK_SECRET_LEN);
	}
}

static void assert_hex(const uint8_t *data, size_t len, const char *expected)
{
	char text[129];

	hex_encode(BYTES(data, len), text);
	assert_string_equal(text, expected);
}

/* Made by an independent implementation; a change here is another protocol. */
static void test_known_answers(void **state)
{
	struct link_key key;
	struct link_secrets secrets;
	uint8_t token[TOKEN_LEN];
	static const uint8_t dcid[LINK_CID_LEN] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	make_key(&key);
	link_secrets_derive(&key, &secrets);
	assert_hex(secrets.psk_id, sizeof(secrets.psk_id), KNOWN_PSK_ID);
	assert_hex(secrets.psk, sizeof(secrets.psk), KNOWN_PSK);
	assert_hex(secrets.initial, sizeof(secrets.initial), KNOWN_INITIAL);
	assert_hex(secrets.envelope, sizeof(secrets.envelope), KNOWN_ENVELOPE);
	next_byte = 0;
	assert_int_equal(
		token_create(&secrets, &random_source, dcid, UINT64_C(1800000000000), token),
		SOTTO_OK);
	assert_hex(token, sizeof(token), KNOWN_TOKEN);
}

static void test_proof_message(void **state)
{
	uint8_t network[LINK_NETWORK_ID_LEN];
	uint8_t exporter[LINK_EXPORTER_LEN];
	uint8_t message[LINK_PROOF_MESSAGE_LEN];

	(void)state;
	memset(network, 1, sizeof(network));
	memset(exporter, 2, sizeof(exporter));
	link_proof_message(network, exporter, message);
	assert_memory_equal(message, "sotto/1 relay proof", 19);
	assert_memory_equal(message + 19, network, 32);
	assert_memory_equal(message + 51, exporter, 32);
}

/* Every bit of token and DCID, every truncation: refused. The time comes back as it went in. */
static void test_token(void **state)
{
	struct link_key key;
	struct link_secrets secrets;
	uint8_t token[TOKEN_LEN + 1] = {0};
	uint8_t dcid[LINK_CID_LEN] = {8, 7, 6, 5, 4, 3, 2, 1};
	uint64_t utc_ms = 0;

	(void)state;
	make_key(&key);
	link_secrets_derive(&key, &secrets);
	for (uint64_t time = 0; time < 64; time++) {
		uint64_t put = time ? UINT64_C(1) << time : 0;

		assert_int_equal(token_create(&secrets, &random_source, dcid, put, token),
				 SOTTO_OK);
		assert_int_equal(token_open(&secrets, dcid, BYTES(token, TOKEN_LEN), &utc_ms),
				 SOTTO_OK);
		assert_int_equal(utc_ms, put);
	}
	for (size_t bit = 0; bit < 8 * TOKEN_LEN; bit++) {
		token[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(token_open(&secrets, dcid, BYTES(token, TOKEN_LEN), &utc_ms),
				 SOTTO_ERR_VERIFY);
		token[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * LINK_CID_LEN; bit++) {
		dcid[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(token_open(&secrets, dcid, BYTES(token, TOKEN_LEN), &utc_ms),
				 SOTTO_ERR_VERIFY);
		dcid[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len <= sizeof(token); len++) {
		if (len != TOKEN_LEN)
			assert_int_equal(token_open(&secrets, dcid, BYTES(token, len), &utc_ms),
					 SOTTO_ERR_VERIFY);
	}
}

static void test_envelope(void **state)
{
	static const size_t totals[] = {LINK_SMALL_LEN_MIN, 216, LINK_SMALL_LEN_MAX, LINK_FULL_LEN};
	struct link_key key;
	struct link_secrets secrets;
	struct envelope_padding padding;
	uint8_t payload[LINK_FULL_LEN];
	uint8_t before[LINK_FULL_LEN];
	struct bytes packet;

	(void)state;
	make_key(&key);
	link_secrets_derive(&key, &secrets);
	assert_int_equal(envelope_padding_init(&padding, &random_source), SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(totals); i++) {
		for (size_t len = ENVELOPE_PACKET_MIN; len <= totals[i] - ENVELOPE_OVERHEAD;
		     len++) {
			memset(payload, (int)len, len);
			memcpy(before, payload, len);
			envelope_seal(&secrets, &padding, payload, len, totals[i]);
			assert_int_equal(
				envelope_open(&secrets, BYTES(payload, totals[i]), &packet),
				SOTTO_OK);
			assert_int_equal(packet.len, len);
			assert_memory_equal(packet.data, before, len);
		}
	}
	for (size_t len = 0; len < LINK_SMALL_LEN_MIN; len++)
		assert_int_equal(envelope_open(&secrets, BYTES(payload, len), &packet),
				 SOTTO_ERR_VERIFY);
}

/* Equal packets do not look equal, and padding does not look like padding. */
static void test_envelope_looks_random(void **state)
{
	struct link_key key;
	struct link_secrets secrets;
	struct envelope_padding padding;
	uint8_t payload[LINK_FULL_LEN];
	unsigned counts[256] = {0};
	unsigned total = 0;
	unsigned lengths_equal = 0;
	uint16_t last = 0;

	(void)state;
	make_key(&key);
	link_secrets_derive(&key, &secrets);
	assert_int_equal(envelope_padding_init(&padding, &random_source), SOTTO_OK);
	for (unsigned i = 0; i < 500; i++) {
		uint16_t masked;

		memset(payload, 0, sizeof(payload));
		envelope_seal(&secrets, &padding, payload, 40, sizeof(payload));
		for (size_t k = 40; k < sizeof(payload); k++)
			counts[payload[k]]++;
		total += (unsigned)sizeof(payload) - 40;
		memcpy(&masked, payload + sizeof(payload) - 2, 2);
		lengths_equal += masked == last;
		last = masked;
	}
	assert_true(lengths_equal < 5);
	for (size_t i = 0; i < 256; i++) {
		assert_true(counts[i] > total / 256 - total / 2560);
		assert_true(counts[i] < total / 256 + total / 2560);
	}
}

static void tag_of(uint8_t *tag, uint32_t number)
{
	memset(tag, 0, TOKEN_TAG_LEN);
	number *= UINT32_C(2654435761);
	memcpy(tag, &number, sizeof(number));
}

static void test_replay(void **state)
{
	struct replay *replay;
	uint8_t tag[TOKEN_TAG_LEN];
	uint64_t now = 1;

	(void)state;
	assert_int_equal(replay_create(&allocator_default, 100, &replay), SOTTO_OK);
	for (uint32_t i = 0; i < 1000; i++) {
		tag_of(tag, i);
		assert_false(replay_seen(replay, tag, now));
		replay_remember(replay, tag, now);
		assert_true(replay_seen(replay, tag, now));
		assert_true(replay_count(replay) <= 100);
		for (uint32_t k = i > 98 ? i - 99 : 0; k <= i; k += 7) {
			tag_of(tag, k);
			assert_true(replay_seen(replay, tag, now));
		}
	}
	now += 2 * LINK_WINDOW_MS * 1000000;
	assert_true(replay_seen(replay, tag, now));
	assert_false(replay_seen(replay, tag, now + 1));
	assert_int_equal(replay_count(replay), 0);
	replay_destroy(replay);
}

static void test_timers(void **state)
{
	struct timers timers;
	struct timer all[200];
	uint64_t seed = 1;

	(void)state;
	assert_int_equal(timers_init(&timers, &allocator_default, ARRAY_LEN(all)), SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i] = (struct timer){.at_ns = UINT64_MAX, .index = TIMER_IDLE};
	for (int round = 0; round < 20000; round++) {
		struct timer *timer;
		uint64_t earliest = UINT64_MAX;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
		timer = &all[(seed >> 33) % ARRAY_LEN(all)];
		timers_set(&timers, timer, (seed >> 60) == 0 ? UINT64_MAX : seed >> 40);
		for (size_t i = 0; i < ARRAY_LEN(all); i++) {
			if (all[i].at_ns < earliest)
				earliest = all[i].at_ns;
		}
		if (earliest == UINT64_MAX)
			assert_null(timers_first(&timers));
		else
			assert_int_equal(timers_first(&timers)->at_ns, earliest);
	}
	timers_finish(&timers);
}

static void test_cid_map(void **state)
{
	struct cid_map map;
	struct list owned[2];
	struct server_link *const links[2] = {(void *)&owned[0], (void *)&owned[1]};
	uint8_t cid[LINK_CID_LEN] = {0};

	(void)state;
	list_init(&owned[0]);
	list_init(&owned[1]);
	assert_int_equal(cid_map_init(&map, &allocator_default, &random_source, 600), SOTTO_OK);
	for (unsigned i = 0; i < 600; i++) {
		memcpy(cid, &i, sizeof(i));
		assert_true(cid_map_put(&map, cid, links[i & 1], &owned[i & 1]));
		assert_false(cid_map_put(&map, cid, links[0], &owned[0]));
	}
	cid[7] = 1;
	assert_false(cid_map_put(&map, cid, links[0], &owned[0])); /* full */
	cid[7] = 0;
	for (unsigned i = 0; i < 600; i++) {
		memcpy(cid, &i, sizeof(i));
		assert_ptr_equal(cid_map_get(&map, cid), links[i & 1]);
		cid_map_remove(&map, cid, links[!(i & 1)]);
		assert_ptr_equal(cid_map_get(&map, cid), links[i & 1]);
		if (i % 5 == 0)
			cid_map_remove(&map, cid, links[i & 1]);
	}
	cid_map_remove_all(&map, &owned[0]);
	for (unsigned i = 0; i < 600; i++) {
		memcpy(cid, &i, sizeof(i));
		assert_ptr_equal(cid_map_get(&map, cid), i & 1 && i % 5 ? links[1] : NULL);
	}
	cid_map_remove_all(&map, &owned[1]);
	cid_map_finish(&map);
}

/* Packets from here (0), there (1) and elsewhere (2): where the link is after each. */
static void test_roam(void **state)
{
	static const struct {
		unsigned from;
		uint32_t number;
		unsigned bytes;
		bool newest;
		unsigned at;
	} table[] = {
		{0, 5, 1, true, 0},	  {1, 4, 1, false, 0}, /* late, or a copy */
		{1, 5, 1, false, 0},			       /* a copy of the newest */
		{1, 6, 1, true, 1},			       /* moved */
		{2, 3, 1, false, 1},	  {0, 6, 1, false, 0}, /* the copy had been faster: back */
		{1, 6, 1, false, 0},			       /* but not to and fro */
		{1, 0x0107, 2, true, 1},		       /* a number of two bytes */
		{1, 0x08, 1, true, 1},			       /* 0x108 in one */
		{2, 0x07, 1, false, 1},			       /* 0x107 */
		{1, 0xff, 1, false, 1},			       /* 0xff is nearer than 0x1ff */
		{0, 0x10000, 4, true, 0}, {1, 0x0fff0, 3, false, 0},
	};
	struct link_path places[3] = {{.socket = 0}, {.socket = 0}, {.socket = 1}};
	struct roam roam;

	(void)state;
	places[1].remote.port = 7;
	roam_init(&roam, &places[0]);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(roam_heard(&roam, &places[table[i].from], table[i].number,
					    table[i].bytes, 1232, 1000, 10 * i),
				 table[i].newest);
		assert_memory_equal(&roam.path, &places[table[i].at], sizeof(roam.path));
	}
	/* Three times what came, until a round trip has passed. */
	assert_true(roam_heard(&roam, &places[1], 0x10001, 4, 200, 1000, 5000));
	assert_true(roam_may_send(&roam, 600));
	assert_false(roam_may_send(&roam, 601));
	roam_sent(&roam, 400);
	assert_false(roam_may_send(&roam, 201));
	assert_true(roam_heard(&roam, &places[1], 0x10002, 4, 200, 1000, 5999));
	assert_false(roam_may_send(&roam, 801));
	assert_true(roam_heard(&roam, &places[1], 0x10003, 4, 200, 1000, 6000));
	assert_true(roam_may_send(&roam, 1000000));
}

static void test_small_len(void **state)
{
	static const size_t table[][2] = {
		{0, LINK_SMALL_LEN_MIN},
		{LINK_SMALL_LEN_MIN - LINK_SMALL_OVERHEAD, LINK_SMALL_LEN_MIN},
		{160, 160 + LINK_SMALL_OVERHEAD},
		{LINK_SMALL_LEN_MAX - LINK_SMALL_OVERHEAD, LINK_SMALL_LEN_MAX},
		{LINK_SMALL_LEN_MAX - LINK_SMALL_OVERHEAD + 1, LINK_FULL_LEN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(link_small_len(table[i][0]), table[i][1]);
	for (int i = 0; i <= LINK_REASON_NO_MEMORY; i++)
		assert_true(strlen(link_reason_text((enum link_reason)i)) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derivation),    cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_proof_message), cmocka_unit_test(test_token),
		cmocka_unit_test(test_envelope),      cmocka_unit_test(test_envelope_looks_random),
		cmocka_unit_test(test_replay),	      cmocka_unit_test(test_timers),
		cmocka_unit_test(test_cid_map),	      cmocka_unit_test(test_small_len),
		cmocka_unit_test(test_roam),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
