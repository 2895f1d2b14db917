/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one form of sound inside sotto: 48 kHz, mono, signed 16 bit, in frames of 20 ms, each of which
 * becomes a packet of the same length. Devices and files are converted at the edge (voice/resample.h).
 */
#ifndef VOICE_FORMAT_H
#define VOICE_FORMAT_H

#define VOICE_RATE	    48000
#define VOICE_FRAME_MS	    20
#define VOICE_FRAME_NS	    20000000
#define VOICE_FRAME_SAMPLES 960	  /* VOICE_RATE * VOICE_FRAME_MS / 1000 */
#define VOICE_BITRATE	    24000 /* constant: sizes say nothing about what is said */
#define VOICE_OPUS_LEN	    60	  /* VOICE_BITRATE * VOICE_FRAME_MS / 8000 */

/*
 * What is sealed and sent for each frame:
 *
 *	struct { uint8 loss_percent; opaque opus[VOICE_OPUS_LEN]; }
 *
 * loss_percent is what its sender misses of what it is sent: so the other side knows when copies of
 * frames are worth their bits.
 */
#define VOICE_PACKET_LEN (1 + VOICE_OPUS_LEN)

/* Samples for so many milliseconds. */
#define VOICE_SAMPLES(ms) ((ms) * (VOICE_RATE / 1000))

#endif
