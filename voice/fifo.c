/* SPDX-License-Identifier: Apache-2.0 */
/* A plain array: at 50 takes a second of some KiB nothing cleverer pays. */
#include "voice/fifo.h"

#include <string.h>

void voice_fifo_put(struct voice_fifo *fifo, const int16_t *samples, size_t count)
{
	if (count > VOICE_FIFO_SAMPLES) {
		samples += count - VOICE_FIFO_SAMPLES;
		count = VOICE_FIFO_SAMPLES;
	}
	if (fifo->count + count > VOICE_FIFO_SAMPLES)
		(void)voice_fifo_get(fifo, NULL, fifo->count + count - VOICE_FIFO_SAMPLES);
	memcpy(fifo->samples + fifo->count, samples, count * sizeof(*samples));
	fifo->count += count;
}

size_t voice_fifo_get(struct voice_fifo *fifo, int16_t *out, size_t count)
{
	if (count > fifo->count)
		count = fifo->count;
	if (out != NULL)
		memcpy(out, fifo->samples, count * sizeof(*out));
	fifo->count -= count;
	memmove(fifo->samples, fifo->samples + count, fifo->count * sizeof(*fifo->samples));
	return count;
}
