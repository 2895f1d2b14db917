/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto-ringer: rings. An arriving call may start it, so it can do nothing else: it opens a loudspeaker and
 * is linked without any code that captures.
 *
 * The ring is made, not read from a file: two bells of 440 and 480 Hz, 1 s on, 2 s off, faded in and out so
 * that it does not click.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/audio.h"
#include "os/ipc.h"
#include "os/loop.h"
#include "os/sandbox.h"
#include "phone/processes.h"
#include "voice/format.h"
#include "wire/wire.h"

#define ON_SAMPLES   VOICE_SAMPLES(1000)
#define OFF_SAMPLES  VOICE_SAMPLES(2000)
#define FADE_SAMPLES VOICE_SAMPLES(20)
#define CHUNK	     480
#define AMPLITUDE    6000.0
#define TWO_PI	     6.283185307179586

struct ringer {
	struct os_loop *loop;
	struct os_ipc *agent;
	struct os_audio audio;
	bool prepared;
	bool ringing;
	struct os_watch watch;
	uint32_t at; /* samples since the ring began, modulo one period */
};

static int16_t sample_at(uint32_t at)
{
	double seconds = (double)at / VOICE_RATE;
	double fade = 1.0;

	if (at >= ON_SAMPLES)
		return 0;
	if (at < FADE_SAMPLES)
		fade = (double)at / FADE_SAMPLES;
	else if (at > ON_SAMPLES - FADE_SAMPLES)
		fade = (double)(ON_SAMPLES - at) / FADE_SAMPLES;
	return (int16_t)(AMPLITUDE * fade *
			 (sin(TWO_PI * 440.0 * seconds) + sin(TWO_PI * 480.0 * seconds)) / 2.0);
}

static void play(struct os_watch *watch, unsigned seen)
{
	struct ringer *ringer = CONTAINER_OF(watch, struct ringer, watch);
	int16_t samples[CHUNK];
	size_t wanted;

	(void)seen;
	os_audio_get_event(&ringer->audio);
	while ((wanted = os_audio_wanted(&ringer->audio)) > 0) {
		if (wanted > CHUNK)
			wanted = CHUNK;
		for (size_t i = 0; i < wanted; i++) {
			samples[i] = sample_at(ringer->at);
			ringer->at = (ringer->at + 1) % (ON_SAMPLES + OFF_SAMPLES);
		}
		os_audio_put(&ringer->audio, samples, wanted);
	}
}

static enum sotto_err start(struct ringer *ringer)
{
	enum sotto_err err;

	os_watch_init(&ringer->watch, os_audio_fd(&ringer->audio), play);
	TRY(os_loop_watch(ringer->loop, &ringer->watch, OS_READ));
	TRY(os_audio_start(&ringer->audio, OS_AUDIO_PLAYBACK));
	ringer->ringing = true;
out:
	return err;
}

static void agent_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
		       size_t descriptors_count)
{
	struct ringer *ringer = context;
	const struct wire_type *type = wire_identify(WIRE_FAMILY_PHONE, message);

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	if (type == &wire_ring_stop_type)
		os_loop_stop(ringer->loop);
	else if (type == &wire_ring_start_type && !ringer->ringing && start(ringer) != SOTTO_OK)
		os_loop_stop(ringer->loop);
}

static void agent_gone(void *context, struct os_ipc *ipc)
{
	(void)ipc;
	os_loop_stop(((struct ringer *)context)->loop);
}

static enum sotto_err set_up(struct ringer *ringer)
{
	struct os_ipc_handler agent = {
		.received = agent_said, .gone = agent_gone, .context = ringer};
	struct os_audio_config config = {.mic_fd = -1, .speaker_fd = -1};
	struct os_sandbox_options options = {.directory = NULL};
	struct os_sandbox sandbox;
	enum sotto_err err;

	TRY(os_loop_create(&ringer->loop));
	TRY(os_ipc_create(ringer->loop, PHONE_CHILD_AGENT_FD, &agent, &ringer->agent));
	TRY(os_audio_prepare_loudspeaker(&ringer->audio, &config));
	ringer->prepared = true;
	TRY(os_sandbox_enter(OS_PROFILE_RINGER, &options, &sandbox));
out:
	return err;
}

int main(void)
{
	static struct ringer ringer;
	enum sotto_err err;

	TRY(os_process_harden());
	TRY(set_up(&ringer));
	TRY(os_loop_run(ringer.loop));
out:
	if (ringer.prepared)
		os_audio_finish(&ringer.audio);
	os_ipc_destroy(ringer.agent);
	os_loop_destroy(ringer.loop);
	if (err != SOTTO_OK)
		fprintf(stderr, "sotto-ringer: %s\n", sotto_err_text(err));
	return err == SOTTO_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
