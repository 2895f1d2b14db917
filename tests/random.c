/* SPDX-License-Identifier: Apache-2.0 */
/* Random sources for tests. */
#include "tests/random.h"

static uint8_t stream_byte(struct test_random *random)
{
	uint64_t mixed = random->seed += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint8_t)(mixed >> 56);
}

static enum sotto_err fill(void *context, uint8_t *out, size_t len)
{
	struct test_random *random = context;

	random->calls++;
	if (random->calls == random->refuse_call)
		return SOTTO_ERR_RANDOM;
	for (size_t i = 0; i < len; i++) {
		if (random->fixed.len == 0) {
			out[i] = stream_byte(random);
			continue;
		}
		out[i] = *random->fixed.data++;
		random->fixed.len--;
	}
	return SOTTO_OK;
}

struct random_source test_random_source(struct test_random *random)
{
	return (struct random_source){.fill = fill, .context = random};
}
