/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed file: round trip, every truncation, every bit flip, another key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "relay/state.h"
#include "tests/relay/fixture.h"

static void test_sealed_and_opened(void **state)
{
	static const uint8_t access[] = {1, 2, 3};
	struct wire_relay_state kept = {.seed = {7}, .access = BYTES_OF(access)};
	struct wire_relay_state read;
	uint8_t buffer[RELAY_STATE_LEN_MAX];
	uint8_t key[WIRE_KEY_LEN] = {5};
	struct writer writer;

	(void)state;
	writer_init_growing(&writer, &allocator_default);
	assert_int_equal(relay_state_seal(key, &fixture_random, &kept, &writer), SOTTO_OK);
	assert_int_equal(relay_state_open(key, writer_bytes(&writer), buffer, &read), SOTTO_OK);
	assert_memory_equal(read.seed, kept.seed, sizeof(kept.seed));
	assert_true(bytes_equal(read.access, kept.access));
	for (size_t cut = 0; cut < writer.len; cut++)
		assert_int_equal(relay_state_open(key, BYTES(writer.data, cut), buffer, &read),
				 SOTTO_ERR_VERIFY);
	for (size_t bit = 0; bit < 8 * writer.len; bit++) {
		writer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(relay_state_open(key, writer_bytes(&writer), buffer, &read),
				 bit < 8 ? SOTTO_ERR_VERSION : SOTTO_ERR_VERIFY);
		writer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	key[0] ^= 1;
	assert_int_equal(relay_state_open(key, writer_bytes(&writer), buffer, &read),
			 SOTTO_ERR_VERIFY);
	writer_release(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealed_and_opened),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
