/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an observer with every key would see of a network: each record as it left a phone, opened by the
 * sender's own epoch down to the MLS sender data. It says whether a key and nonce was ever used for two
 * contents:
 *
 *   record         24 bytes of random nonce in front            --> nonces_reused
 *   PrivateMessage (group, epoch, ratchet, leaf, generation)    --> generations_reused
 *
 * The 32-bit reuse guard of MLS is left out of account on purpose: it is the net below, not the rope.
 */
#ifndef SIM_FRAMES_H
#define SIM_FRAMES_H

#include "talk/talk.h"

struct sim_frames;

struct sim_frames_counts {
	size_t frames; /* PrivateMessages, each content once */
	size_t records; /* each content once; also those of inboxes and porch, which are not opened */
	size_t large;	/* messages in parts of which more than the first part left */
	size_t again;	/* records that left more than once, unchanged */
	size_t unopened; /* of an epoch that the sender has forgotten */
	size_t nonces_reused;
	size_t generations_reused;
};

struct sim_frames *sim_frames_create(void);
void sim_frames_destroy(struct sim_frames *frames);
struct sim_frames_counts sim_frames_counts(const struct sim_frames *frames);

/* A request as it leaves the phone; for whoever hears of each (world_sent_fn in tests/talk). */
void sim_frames_sent(void *context, const struct talk *talk, struct bytes request);

#endif
