/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an invitation: there and back, and everything that can happen to it on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/invitation.h"

static const struct ledger_invitation sample = {
	.version = 1,
	.network = {1},
	.private_key = {2},
	.relay_address = {(const uint8_t *)"relay.example:4433", 18},
	.relay_key = {3},
	.porch_number = 1,
	.porch_key = {4},
	.porch_append = {5},
	.porch_read = {6},
	.ledger_length = 7,
	.ledger_head = {8},
	.extension = 103,
	.name = {(const uint8_t *)"Bo", 2},
	.expires_ms = 1790000000000,
};

static size_t sample_text(char *text)
{
	struct writer writer;

	writer_init_fixed(&writer, text, LEDGER_INVITATION_TEXT_MAX);
	assert_int_equal(ledger_invitation_encode(&sample, &writer), SOTTO_OK);
	return writer.len;
}

static enum sotto_err decode(const char *text, size_t len, struct ledger_invitation *decoded)
{
	static uint8_t buffer[LEDGER_INVITATION_LEN_MAX];

	return ledger_invitation_decode(BYTES(text, len), buffer, decoded);
}

static void test_round_trip(void **state)
{
	char text[LEDGER_INVITATION_TEXT_MAX];
	char spaced[2 * LEDGER_INVITATION_TEXT_MAX];
	size_t len = sample_text(text);
	size_t at = 0;
	struct ledger_invitation decoded;

	(void)state;
	assert_memory_equal(text, "sotto:", 6);
	assert_int_equal(decode(text, len, &decoded), SOTTO_OK);
	assert_true(bytes_equal(decoded.name, sample.name));
	assert_memory_equal(decoded.private_key, sample.private_key, LEDGER_PRIVATE_LEN);
	assert_int_equal(decoded.expires_ms, sample.expires_ms);

	/* As a chat window breaks it and a person types it. */
	spaced[at++] = ' ';
	for (size_t i = 0; i < len; i++) {
		spaced[at++] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
		if (i > 6 && i % 40 == 0)
			spaced[at++] = '\n';
	}
	assert_int_equal(decode(spaced, at, &decoded), SOTTO_OK);
	assert_int_equal(decoded.extension, 103);
}

static void test_damage(void **state)
{
	char text[LEDGER_INVITATION_TEXT_MAX];
	size_t len = sample_text(text);
	struct ledger_invitation decoded;

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		assert_int_not_equal(decode(text, cut, &decoded), SOTTO_OK);
	for (size_t i = 0; i < len; i++) {
		char was = text[i];

		text[i] = was == 'Q' ? 'R' : 'Q';
		assert_int_not_equal(decode(text, len, &decoded), SOTTO_OK);
		text[i] = '8'; /* not of the alphabet */
		assert_int_not_equal(decode(text, len, &decoded), SOTTO_OK);
		text[i] = was;
	}
	assert_int_equal(decode(text, len, &decoded), SOTTO_OK);
}

static void test_what_may_not_be(void **state)
{
	static const struct {
		const char *name;
		const char *address;
		enum sotto_err err;
	} table[] = {
		{"Bo", "relay.example:4433", SOTTO_OK},
		{"", "relay.example:4433", SOTTO_ERR_INVALID},
		{"B\no", "relay.example:4433", SOTTO_ERR_INVALID},
		{"Bo", "relay", SOTTO_ERR_INVALID},
		{"Bo", "relay .example:1", SOTTO_ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ledger_invitation invitation = sample;
		char text[LEDGER_INVITATION_TEXT_MAX];
		struct writer writer;

		invitation.name = BYTES(table[i].name, strlen(table[i].name));
		invitation.relay_address = BYTES(table[i].address, strlen(table[i].address));
		writer_init_fixed(&writer, text, sizeof(text));
		assert_int_equal(ledger_invitation_encode(&invitation, &writer), table[i].err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_what_may_not_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
