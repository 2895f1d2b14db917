/* SPDX-License-Identifier: Apache-2.0 */
/* Indices run freely and are masked on use, so full and empty differ without a spare place. */
#include "os/audio_ring.h"

#include <string.h>

#define MASK (OS_AUDIO_RING_SAMPLES - 1)

void os_audio_ring_init(struct os_audio_ring *ring)
{
	atomic_init(&ring->put_total, 0);
	atomic_init(&ring->got_total, 0);
	memset(ring->samples, 0, sizeof(ring->samples));
}

size_t os_audio_ring_used(const struct os_audio_ring *ring)
{
	uint32_t got = atomic_load_explicit(&ring->got_total, memory_order_acquire);
	uint32_t put = atomic_load_explicit(&ring->put_total, memory_order_acquire);

	return put - got;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t os_audio_ring_put(struct os_audio_ring *ring, const int16_t *samples, size_t count)
{
	uint32_t put = atomic_load_explicit(&ring->put_total, memory_order_relaxed);
	uint32_t got = atomic_load_explicit(&ring->got_total, memory_order_acquire);
	size_t at = put & MASK;
	size_t first;

	count = least(count, OS_AUDIO_RING_SAMPLES - (put - got));
	first = least(count, OS_AUDIO_RING_SAMPLES - at);
	memcpy(ring->samples + at, samples, first * sizeof(*samples));
	memcpy(ring->samples, samples + first, (count - first) * sizeof(*samples));
	atomic_store_explicit(&ring->put_total, put + (uint32_t)count, memory_order_release);
	return count;
}

size_t os_audio_ring_get(struct os_audio_ring *ring, int16_t *samples, size_t count)
{
	uint32_t got = atomic_load_explicit(&ring->got_total, memory_order_relaxed);
	uint32_t put = atomic_load_explicit(&ring->put_total, memory_order_acquire);
	size_t at = got & MASK;
	size_t first;

	count = least(count, put - got);
	first = least(count, OS_AUDIO_RING_SAMPLES - at);
	memcpy(samples, ring->samples + at, first * sizeof(*samples));
	memcpy(samples + first, ring->samples, (count - first) * sizeof(*samples));
	atomic_store_explicit(&ring->got_total, got + (uint32_t)count, memory_order_release);
	return count;
}
