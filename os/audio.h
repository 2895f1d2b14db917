/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microphone and loudspeaker: PipeWire, ALSA where there is no PipeWire, or WAV files that the caller
 * opened. All give and take 48 kHz mono signed 16 bit (voice/format.h).
 *
 *	prepare   connects and loads whatever that needs          before the sandbox
 *	(sandbox)
 *	start     makes the playback stream, or the capture stream, and only that one
 *	get/put   moves sound: two single-producer single-consumer rings in struct os_audio, between the
 *	          device's own thread and the caller's; neither side locks, waits or allocates
 *	stop, finish
 *
 * No capture stream exists before os_audio_start(CAPTURE), nor after os_audio_stop: the desktop's
 * microphone indicator tells the truth. A program that only plays calls os_audio_prepare_loudspeaker and is
 * linked with audio_playback_dep alone, in which there is no code that records.
 */
#ifndef OS_AUDIO_H
#define OS_AUDIO_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "os/audio_ring.h"

struct os_audio_backend;

struct os_audio_config {
	int mic_fd;	      /* WAV file to speak from, or -1: the microphone */
	int speaker_fd;	      /* WAV file to write, or -1: the loudspeaker */
	const char *mic_name; /* PipeWire node or ALSA device; NULL: the user's default */
	const char *speaker_name;
	bool want_alsa; /* do not try PipeWire */
};

/* Each side has a backend of its own: a phone may speak from a file and play on the loudspeaker. */
enum os_audio_side {
	OS_AUDIO_CAPTURE,
	OS_AUDIO_PLAYBACK,
	OS_AUDIO_SIDES,
};

struct os_audio {
	struct os_audio_ring rings[OS_AUDIO_SIDES];
	const struct os_audio_backend *backends[OS_AUDIO_SIDES];
	void *states[OS_AUDIO_SIDES]; /* the same one twice where one connection serves both */
	bool started[OS_AUDIO_SIDES];
	int epoll; /* of all that backends wait for */
};

/* After this the process can be sandboxed. SOTTO_ERR_IO: no sound server and no card. */
MUST_USE enum sotto_err os_audio_prepare(struct os_audio *audio,
					 const struct os_audio_config *config);

/* The same for a device to play on and nothing else: files and microphone of config are not looked at. */
MUST_USE enum sotto_err os_audio_prepare_loudspeaker(struct os_audio *audio,
						     const struct os_audio_config *config);

/* Stops what runs, closes what was opened (not the caller's descriptors). NULL is fine. */
void os_audio_finish(struct os_audio *audio);

/*
 * Makes the stream of one side, or ends it. Starting what runs and stopping what does not is nothing.
 * SOTTO_ERR_IO: the sound server refused or is gone.
 */
MUST_USE enum sotto_err os_audio_start(struct os_audio *audio, enum os_audio_side side);
void os_audio_stop(struct os_audio *audio, enum os_audio_side side);

/*
 * Readable (until os_audio_get_event) whenever sound moved: every 5 ms. The caller then gets what was
 * captured and puts what may be played.
 */
int os_audio_fd(const struct os_audio *audio);
void os_audio_get_event(struct os_audio *audio);

/* Has the sound server gone away, or a file's disk become full? Then nothing moves any more on that side. */
bool os_audio_lost(const struct os_audio *audio, enum os_audio_side side);

/* Up to count captured samples; returns how many there were. */
size_t os_audio_get(struct os_audio *audio, int16_t *samples, size_t count);

/*
 * How many samples the device wants now so that it does not run dry before the next event: put
 * exactly so many. More would only add delay.
 */
size_t os_audio_wanted(const struct os_audio *audio);
void os_audio_put(struct os_audio *audio, const int16_t *samples, size_t count);

/* What device and ring add at present, in milliseconds; OS_AUDIO_UNKNOWN_MS: the device does not say (yet). */
#define OS_AUDIO_UNKNOWN_MS UINT_MAX
unsigned os_audio_delay_ms(const struct os_audio *audio, enum os_audio_side side);

/* How often the loudspeaker ran dry because nobody put in time. */
unsigned os_audio_underruns(const struct os_audio *audio);

#endif
