/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket: a burst, then a steady rate. 24 bytes, no timer: it fills when somebody looks.
 */
#ifndef RELAY_BUCKET_H
#define RELAY_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct relay_bucket {
	uint64_t left;
	uint64_t filled_ns;
};

/* Full. */
static inline void relay_bucket_init(struct relay_bucket *bucket, uint64_t burst, uint64_t now_ns)
{
	bucket->left = burst;
	bucket->filled_ns = now_ns;
}

/* Takes amount, or nothing and false. rate is in units a second. */
static inline bool relay_bucket_take(struct relay_bucket *bucket, uint64_t amount, uint64_t burst,
				     uint64_t rate, uint64_t now_ns)
{
	uint64_t passed_us = now_ns > bucket->filled_ns ? (now_ns - bucket->filled_ns) / 1000 : 0;
	uint64_t full_us = burst * 1000000 / rate;
	uint64_t gained = passed_us >= full_us ? burst : passed_us * rate / 1000000;

	/* Time that was too short to gain anything stays to be counted. */
	if (gained > 0) {
		bucket->left = burst - bucket->left > gained ? bucket->left + gained : burst;
		bucket->filled_ns = now_ns;
	}
	if (bucket->left < amount)
		return false;
	bucket->left -= amount;
	return true;
}

/* How long until amount (at most the burst) is there, in ms, rounded up. */
static inline uint32_t relay_bucket_wait_ms(const struct relay_bucket *bucket, uint64_t amount,
					    uint64_t rate)
{
	uint64_t missing = amount > bucket->left ? amount - bucket->left : 0;
	uint64_t wait_ms = (missing * 1000 + rate - 1) / rate;

	return wait_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)wait_ms;
}

#endif
