/* SPDX-License-Identifier: Apache-2.0 */
/* Doubling, with an end and a way back. */
#include "os/backoff.h"

void os_backoff_started(struct os_backoff *backoff, uint64_t now_ns)
{
	backoff->started_ns = now_ns;
}

uint64_t os_backoff_ended(struct os_backoff *backoff, uint64_t now_ns)
{
	uint64_t delay_ns = OS_BACKOFF_FIRST_NS;

	if (now_ns - backoff->started_ns >= OS_BACKOFF_HEALTHY_NS)
		backoff->failures = 0;
	if (backoff->failures++ == 0)
		return now_ns;
	for (uint32_t i = 2; i < backoff->failures && delay_ns < OS_BACKOFF_MAX_NS; i++)
		delay_ns *= 2;
	return now_ns + (delay_ns < OS_BACKOFF_MAX_NS ? delay_ns : OS_BACKOFF_MAX_NS);
}
