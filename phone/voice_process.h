/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The voice process of a phone: it exists during a call, holds the call's keys and the microphone, and has
 * no network and no file.
 *
 *	microphone -> pipeline -> frame -> SFrame -> media channel -> link        each 20 ms, by the clock
 *	speaker <- pipeline <- frame <- SFrame <- media channel <- link
 *
 * Order of life: voice_prepare (sound is connected) -> sandbox -> voice_prepared -> voice_start (streams)
 * -> voice_stop, or the end of its channel, and the process is gone.
 */
#ifndef PHONE_VOICE_PROCESS_H
#define PHONE_VOICE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/audio.h"
#include "os/ipc.h"
#include "os/loop.h"
#include "os/sandbox.h"
#include "phone/processes.h"
#include "sframe/sframe.h"
#include "voice/pipeline.h"
#include "wire/wire.h"

#define VOICE_SUITE SFRAME_AES256GCM

/* Epochs held at once: the present one and the one before it. */
#define VOICE_EPOCHS_MAX 2

/* A frame is made this long before the link's beat, so that it is there in time. */
#define VOICE_AHEAD_NS	UINT64_C(6000000)

#define VOICE_REPORT_NS UINT64_C(1000000000)

#define VOICE_CHECK_LEN 16

/* In a report, of a delay that was not measured. */
#define VOICE_UNKNOWN_MS UINT32_MAX

/* An encoded struct wire_voice_frame: check, three stamps, the packet with its length. */
#define VOICE_FRAME_LEN (VOICE_CHECK_LEN + 12 + 1 + VOICE_PACKET_LEN)

struct voice_epoch {
	bool held;
	uint64_t epoch;
	uint8_t base_key[WIRE_KEY_LEN];
	uint8_t check[VOICE_CHECK_LEN];
	uint8_t room;
};

/* Another phone in the call: what it announced, and its keys by epoch. */
struct voice_peer {
	bool used;
	uint64_t kid; /* without the epoch's byte */
	struct {
		bool used;
		uint8_t epoch; /* low byte: each epoch has a room, and so a slot, of its own */
		bool known;
		uint16_t slot;
	} slots[VOICE_EPOCHS_MAX];
	size_t next_slot; /* the place to use next: the older one */
	uint32_t streams; /* KIDs of it that were heard so far */
	struct {
		bool held;
		uint64_t epoch;
		uint32_t stream;
		struct sframe_receiver receiver;
	} keys[VOICE_EPOCHS_MAX];
};

struct voice_echo {
	uint32_t stamp_us;	/* the newest that came */
	uint64_t at_ns;		/* when; 0: none yet */
	uint32_t round_trip_us; /* smoothed; 0: not measured */
};

struct voice_process {
	struct os_loop *loop;
	struct os_ipc *agent;
	struct os_ipc *media;
	struct os_audio audio;
	bool audio_prepared;
	struct os_watch audio_watch;
	struct os_timer beat_timer;
	struct os_timer report_timer;
	struct voice_pipeline *pipeline;

	bool started;
	uint64_t kid; /* own; its low byte is the epoch's */
	uint16_t payload_len;
	uint64_t next_beat_ns;
	struct voice_epoch epochs[VOICE_EPOCHS_MAX];
	uint64_t sending_epoch;
	struct sframe_sender sender;
	struct voice_peer peers[VOICE_SPEAKERS_MAX];
	struct voice_echo echo;
	bool checked; /* the agent was told how the check came out */
	bool check_equal;

	uint64_t decode_ns; /* running mean of what one get_playout takes; 0: not measured */
	uint64_t refused;
	uint64_t first_sound_ns;
	uint64_t last_sound_ns;
};

/* voice_frames.c */
void voice_process_start(struct voice_process *process, const struct wire_voice_start *start);
void voice_process_add_keys(struct voice_process *process, const struct wire_voice_keys *keys);
void voice_process_set_room(struct voice_process *process, const struct wire_voice_room *room);
void voice_process_switch(struct voice_process *process, uint64_t epoch);
void voice_process_drop(struct voice_process *process, uint64_t epoch);
void voice_process_add_peer(struct voice_process *process, const struct wire_voice_sender *sender);

/* The next frame of the pipeline, sealed, to the link. */
void voice_process_send_frame(struct voice_process *process, uint64_t now_ns);

/* A datagram from the link: whatever it is, it is opened and heard, or dropped. */
void voice_process_take_datagram(struct voice_process *process, struct bytes datagram,
				 uint64_t now_ns);
void voice_process_wipe(struct voice_process *process);

/* voice_main.c */
void voice_process_tell(struct voice_process *process, const struct wire_type *type,
			const void *message);

#endif
