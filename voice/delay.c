/* SPDX-License-Identifier: Apache-2.0 */
/* A window over the last transits and its extremes, without the few latest. */
#include "voice/delay.h"

#include <string.h>

/*
 * So many of the latest packets may come too late: one in 50, as losing it costs less than making
 * everybody wait for the rarest delay.
 */
#define OUTLIERS_PER_MILLE 20

static int64_t at_rank(int64_t *sorted, size_t count)
{
	return sorted[count - 1 - count * OUTLIERS_PER_MILLE / 1000];
}

static void insert_sorted(int64_t *sorted, size_t count, int64_t value)
{
	while (count > 0 && sorted[count - 1] > value) {
		sorted[count] = sorted[count - 1];
		count--;
	}
	sorted[count] = value;
}

void voice_delay_put(struct voice_delay *delay, int64_t arrival_ns, int64_t transit_ns)
{
	int64_t sorted[VOICE_DELAY_WINDOW_MAX];
	size_t in_window = 0;

	delay->samples[delay->next].arrival_ns = arrival_ns;
	delay->samples[delay->next].transit_ns = transit_ns;
	delay->next = (delay->next + 1) % VOICE_DELAY_WINDOW_MAX;
	if (delay->count < VOICE_DELAY_WINDOW_MAX)
		delay->count++;
	for (size_t i = 0; i < delay->count; i++) {
		if (arrival_ns - delay->samples[i].arrival_ns > VOICE_DELAY_WINDOW_NS)
			continue;
		insert_sorted(sorted, in_window++, delay->samples[i].transit_ns);
	}
	delay->least_ns = sorted[0];
	delay->most_ns = at_rank(sorted, in_window);
	if (delay->most_ns - delay->least_ns > VOICE_DELAY_TARGET_MAX_NS)
		delay->most_ns = delay->least_ns + VOICE_DELAY_TARGET_MAX_NS;
}

int64_t voice_delay_jitter_ns(const struct voice_delay *delay)
{
	return delay->most_ns - delay->least_ns;
}

void voice_delay_reset(struct voice_delay *delay)
{
	memset(delay, 0, sizeof(*delay));
}
