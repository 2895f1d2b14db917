/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of a call between two voice processes without sound: what one seals, the other hears once, and
 * only from the slot, under the KID and in the epochs that were announced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "crypto/init.h"
#include "tests/phone/voice_stubs.h"

#define PAYLOAD_LEN 160
#define ANA_KID	    UINT64_C(0x1122334455667700)
#define BEN_KID	    UINT64_C(0x8899aabbccddee00)
#define SLOT	    7
#define EPOCH	    5

struct pair {
	struct voice_process ana; /* speaks */
	struct voice_process ben; /* hears */
	uint64_t now_ns;
};

static void start(struct voice_process *process, uint64_t kid, uint64_t epoch)
{
	struct wire_voice_start message = {
		.epoch = epoch, .kid = kid | (epoch & 0xff), .room = 1, .payload_len = PAYLOAD_LEN};

	memset(message.base_key, (int)(epoch * 37 % 251), sizeof(message.base_key));
	memset(message.check, 3, sizeof(message.check));
	voice_process_start(process, &message);
}

static void add_keys(struct voice_process *process, uint64_t epoch)
{
	struct wire_voice_keys message = {.epoch = epoch};

	memset(message.base_key, (int)(epoch * 37 % 251), sizeof(message.base_key));
	memset(message.check, 3, sizeof(message.check));
	voice_process_add_keys(process, &message);
}

static void announce(struct voice_process *process, uint64_t kid, uint64_t epoch, bool known,
		     uint16_t slot)
{
	struct wire_voice_sender message = {
		.kid = kid | (epoch & 0xff), .slot = slot, .slot_known = known};

	voice_process_add_peer(process, &message);
}

static struct pair *pair_create(void)
{
	static struct pair pair;

	memset(&pair, 0, sizeof(pair));
	memset(&voice_stubs, 0, sizeof(voice_stubs));
	pair.now_ns = 1000000000;
	start(&pair.ana, ANA_KID, EPOCH);
	start(&pair.ben, BEN_KID, EPOCH);
	announce(&pair.ben, ANA_KID, EPOCH, true, SLOT);
	return &pair;
}

/* One frame of Ana's into out, as the relay passes it on: stamped with her slot. */
static struct bytes say(struct pair *pair, uint8_t *out, uint16_t slot)
{
	size_t before = voice_stubs.sent;

	pair->now_ns += VOICE_FRAME_NS;
	voice_process_send_frame(&pair->ana, pair->now_ns);
	if (voice_stubs.sent == before)
		return BYTES_NONE;
	memcpy(out, voice_stubs.datagram, voice_stubs.datagram_len);
	out[1] = (uint8_t)(slot >> 8);
	out[2] = (uint8_t)slot;
	return BYTES(out, voice_stubs.datagram_len);
}

static bool is_heard(struct pair *pair, struct bytes datagram)
{
	size_t before = voice_stubs.heard;

	voice_process_take_datagram(&pair->ben, datagram, pair->now_ns);
	return voice_stubs.heard > before;
}

static void frames_are_heard_once(void **state)
{
	struct pair *pair = pair_create();
	uint8_t data[4][512];
	struct bytes frames[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		frames[i] = say(pair, data[i], SLOT);
		assert_int_equal(frames[i].len, WIRE_DATAGRAM_HEADER_LEN + PAYLOAD_LEN);
	}
	/* Out of order, each once. */
	assert_true(is_heard(pair, frames[1]));
	assert_int_equal(voice_stubs.number, 1);
	assert_int_equal(voice_stubs.packet[0], 0x5a);
	assert_true(is_heard(pair, frames[0]));
	assert_true(is_heard(pair, frames[3]));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(is_heard(pair, frames[i]), i == 2);
	assert_int_equal(pair->ben.refused, 3);
	assert_int_equal(voice_stubs.told, 1);
	assert_true(voice_stubs.equal);
}

static void forged_frames_are_dropped(void **state)
{
	struct pair *pair = pair_create();
	uint8_t data[512];
	struct bytes frame = say(pair, data, SLOT);

	(void)state;
	for (size_t len = 0; len < frame.len; len++)
		assert_false(is_heard(pair, BYTES(data, len)));
	for (size_t bit = 8; bit < frame.len * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(is_heard(pair, frame));
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(is_heard(pair, frame));
}

static void unknown_kid_and_wrong_slot(void **state)
{
	struct pair *pair = pair_create();
	uint8_t data[512];

	(void)state;
	assert_false(is_heard(pair, say(pair, data, SLOT + 1)));
	assert_true(is_heard(pair, say(pair, data, SLOT)));
	/* Nothing of a KID that nobody announced is even counted: random beats look like it. */
	pair->ana.kid = ANA_KID ^ UINT64_C(0x100);
	pair->ana.started = false;
	start(&pair->ana, pair->ana.kid, EPOCH);
	assert_false(is_heard(pair, say(pair, data, SLOT)));
	assert_int_equal(pair->ben.refused, 0);
	/* Announced without a slot it comes from any, until one is named. */
	announce(&pair->ben, ANA_KID ^ UINT64_C(0x100), EPOCH, false, 0);
	assert_true(is_heard(pair, say(pair, data, SLOT + 9)));
	announce(&pair->ben, ANA_KID ^ UINT64_C(0x100), EPOCH, true, SLOT + 1);
	assert_false(is_heard(pair, say(pair, data, SLOT + 9)));
	assert_true(is_heard(pair, say(pair, data, SLOT + 1)));
}

static void own_frames_are_not_heard(void **state)
{
	struct pair *pair = pair_create();
	uint8_t data[512];
	size_t before = voice_stubs.heard;

	(void)state;
	voice_process_take_datagram(&pair->ana, say(pair, data, SLOT), pair->now_ns);
	assert_int_equal(voice_stubs.heard, before);
}

static void two_epochs_overlap(void **state)
{
	struct pair *pair = pair_create();
	uint8_t old_data[512];
	uint8_t data[512];
	struct bytes old;

	(void)state;
	old = say(pair, old_data, SLOT);
	add_keys(&pair->ben, EPOCH + 1);
	add_keys(&pair->ana, EPOCH + 1);
	announce(&pair->ben, ANA_KID, EPOCH + 1, true, SLOT + 1);
	voice_process_switch(&pair->ana, EPOCH + 1);
	assert_false(is_heard(pair, say(pair, data, SLOT)));
	assert_true(is_heard(pair, say(pair, data, SLOT + 1)));
	assert_int_equal(voice_stubs.stream, 0);
	assert_true(is_heard(pair, old));
	assert_int_equal(voice_stubs.stream, 1);
	assert_int_equal(voice_stubs.speaker, 0);
}

static void dropped_epoch_is_gone(void **state)
{
	struct pair *pair = pair_create();
	uint8_t old_data[512];
	uint8_t data[512];
	struct bytes old;

	(void)state;
	old = say(pair, old_data, SLOT);
	add_keys(&pair->ben, EPOCH + 1);
	add_keys(&pair->ana, EPOCH + 1);
	voice_process_switch(&pair->ana, EPOCH + 1);
	/* One that is still sent with is kept whatever is said. */
	voice_process_drop(&pair->ben, EPOCH);
	assert_true(is_heard(pair, old));
	voice_process_switch(&pair->ben, EPOCH + 1);
	voice_process_drop(&pair->ben, EPOCH);
	assert_true(is_heard(pair, say(pair, data, SLOT + 3)));
	voice_process_switch(&pair->ana, EPOCH);
	old_data[WIRE_DATAGRAM_HEADER_LEN + PAYLOAD_LEN - 1] ^= 1;
	assert_false(is_heard(pair, old));
	for (size_t i = 0; i < VOICE_EPOCHS_MAX; i++)
		assert_false(pair->ben.epochs[i].held && pair->ben.epochs[i].epoch == EPOCH);
}

static void switch_back_is_refused(void **state)
{
	struct pair *pair = pair_create();
	uint8_t data[512];
	uint64_t ctr;

	(void)state;
	(void)say(pair, data, SLOT);
	(void)say(pair, data, SLOT);
	add_keys(&pair->ana, EPOCH + 1);
	voice_process_switch(&pair->ana, EPOCH + 1);
	(void)say(pair, data, SLOT);
	ctr = pair->ana.sender.ctr;
	/* Back, to the same one again, to one that is not held: no counter begins anew. */
	voice_process_switch(&pair->ana, EPOCH);
	voice_process_switch(&pair->ana, EPOCH + 1);
	voice_process_switch(&pair->ana, EPOCH + 2);
	assert_int_equal(pair->ana.sending_epoch, EPOCH + 1);
	assert_int_equal(pair->ana.sender.ctr, ctr);
	/* A second start neither. */
	start(&pair->ana, ANA_KID, EPOCH);
	assert_int_equal(pair->ana.sending_epoch, EPOCH + 1);
	assert_int_equal(pair->ana.sender.ctr, ctr);
	/* Keys of an epoch that is held are not replaced. */
	add_keys(&pair->ana, EPOCH + 1);
	assert_int_equal(pair->ana.sender.ctr, ctr);
}

static void same_low_byte(void **state)
{
	struct pair *pair = pair_create();
	uint8_t old_data[512];
	uint8_t data[512];
	struct bytes old = say(pair, old_data, SLOT);

	(void)state;
	/* Which epoch a KID means must be certain: the older one goes, and nothing is sent meanwhile. */
	add_keys(&pair->ben, EPOCH + 256);
	add_keys(&pair->ana, EPOCH + 256);
	assert_false(is_heard(pair, old));
	assert_int_equal(say(pair, data, SLOT).len, 0);
	voice_process_switch(&pair->ana, EPOCH + 256);
	assert_true(is_heard(pair, say(pair, data, SLOT)));
}

static void many_epochs_and_peers(void **state)
{
	struct pair *pair = pair_create();
	uint8_t data[512];

	(void)state;
	for (uint64_t epoch = EPOCH + 1; epoch < EPOCH + 600; epoch++) {
		add_keys(&pair->ana, epoch);
		add_keys(&pair->ben, epoch);
		announce(&pair->ben, ANA_KID, epoch, true, (uint16_t)epoch);
		voice_process_switch(&pair->ana, epoch);
		voice_process_switch(&pair->ben, epoch);
		assert_true(is_heard(pair, say(pair, data, (uint16_t)epoch)));
	}
	for (uint64_t kid = 1; kid < 100; kid++)
		announce(&pair->ben, kid << 8, EPOCH, true, SLOT);
	assert_true(is_heard(pair, say(pair, data, EPOCH + 599)));
}

static void wrong_starts(void **state)
{
	static struct voice_process process;
	struct wire_voice_start message = {.epoch = 1, .kid = ANA_KID};
	static const uint16_t lengths[] = {0, 1, 50, WIRE_DATAGRAM_PAYLOAD_MAX + 1, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		memset(&process, 0, sizeof(process));
		message.payload_len = lengths[i];
		voice_process_start(&process, &message);
		assert_false(process.started);
		add_keys(&process, 1);
		announce(&process, ANA_KID, 1, true, 1);
		voice_process_switch(&process, 1);
		voice_process_drop(&process, 1);
		voice_process_take_datagram(&process, BYTES("12345678", 8), 1);
		assert_int_equal(process.refused, 0);
	}
}

static void wiped(void **state)
{
	static const uint8_t zeros[sizeof(((struct voice_epoch *)NULL)->base_key)];
	struct pair *pair = pair_create();
	uint8_t data[512];

	(void)state;
	assert_true(is_heard(pair, say(pair, data, SLOT)));
	add_keys(&pair->ben, EPOCH + 1);
	voice_process_wipe(&pair->ben);
	for (size_t i = 0; i < VOICE_EPOCHS_MAX; i++)
		assert_memory_equal(pair->ben.epochs[i].base_key, zeros, sizeof(zeros));
	assert_false(is_heard(pair, say(pair, data, SLOT)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_heard_once),
		cmocka_unit_test(forged_frames_are_dropped),
		cmocka_unit_test(unknown_kid_and_wrong_slot),
		cmocka_unit_test(own_frames_are_not_heard),
		cmocka_unit_test(two_epochs_overlap),
		cmocka_unit_test(dropped_epoch_is_gone),
		cmocka_unit_test(switch_back_is_refused),
		cmocka_unit_test(same_low_byte),
		cmocka_unit_test(many_epochs_and_peers),
		cmocka_unit_test(wrong_starts),
		cmocka_unit_test(wiped),
	};

	if (crypto_init() != SOTTO_OK)
		return 1;
	return cmocka_run_group_tests_name("voice frames", tests, NULL, NULL);
}
