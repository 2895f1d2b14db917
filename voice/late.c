/* SPDX-License-Identifier: Apache-2.0 */
/* One bucket a millisecond. */
#include "voice/late.h"

void voice_late_put(struct voice_late *late, uint64_t late_ns)
{
	uint64_t late_ms = late_ns / 1000000;

	late->packets[late_ms < VOICE_LATE_MS_MAX ? late_ms : VOICE_LATE_MS_MAX]++;
	late->total++;
}

void voice_late_add(struct voice_late *late, const struct voice_late *other)
{
	for (uint32_t ms = 0; ms <= VOICE_LATE_MS_MAX; ms++)
		late->packets[ms] += other->packets[ms];
	late->total += other->total;
}

uint32_t voice_late_p99(const struct voice_late *late)
{
	uint64_t later = late->total;

	for (uint32_t ms = 0; ms <= VOICE_LATE_MS_MAX; ms++) {
		later -= late->packets[ms];
		if (later <= late->total / 100)
			return ms;
	}
	return VOICE_LATE_MS_MAX;
}
