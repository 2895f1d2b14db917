/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of samples between one thread that puts and one that gets, without a lock: each side owns
 * one index and only reads the other's. Release pairs with acquire, so samples are there before the
 * index says so. The memory is the caller's: it is part of struct os_audio.
 */
#ifndef OS_AUDIO_RING_H
#define OS_AUDIO_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* A power of two: 340 ms at 48 kHz, four times the longest period of a device. */
#define OS_AUDIO_RING_SAMPLES 16384

struct os_audio_ring {
	_Atomic uint32_t put_total; /* samples ever put, modulo 2^32; the producer's */
	_Atomic uint32_t got_total; /* samples ever got; the consumer's */
	int16_t samples[OS_AUDIO_RING_SAMPLES];
};

void os_audio_ring_init(struct os_audio_ring *ring);

/* How many samples are in it. Either side may ask: the truth can only have moved in its favour
 * since. */
size_t os_audio_ring_used(const struct os_audio_ring *ring);

/* Puts as many as fit and returns how many that were. The producer only. */
size_t os_audio_ring_put(struct os_audio_ring *ring, const int16_t *samples, size_t count);

/* Gets as many as there are, at most count, and returns how many. The consumer only. */
size_t os_audio_ring_get(struct os_audio_ring *ring, int16_t *samples, size_t count);

#endif
