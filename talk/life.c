/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay lost the present drop of a group. A commit that led on may have gone with it: its author puts it there again
 * while it is one of his last epochs, but he may be off, and a phone that was off is further behind than that.
 *
 *   lost --> says once that it is here, by rank --> hears somebody of this epoch, or reads a commit: all is well
 *                                               --> hears nobody for TALK_LOST_ASK_MS: asks (plea.c)
 *
 * Two that speak are enough: each of them hears the other one, and all others hear both; who has lost nothing answers
 * the first. Until then nothing else is sent or committed (talk_gap_waits), and in *everyone* for longer, as who goes on
 * alone there has left the network.
 */
#include <string.h>

#include "talk/state.h"

/* They are heard by everybody. */
#define SPEAKERS 2

bool talk_relay_lost(const struct talk *talk)
{
	return (talk->problems & UINT32_C(1) << TALK_PROBLEM_LOST) != 0;
}

enum sotto_err talk_life_lost(struct talk *talk, struct talk_group *group)
{
	enum sotto_err err;

	if (group->stuck != TALK_STUCK_NO || talk_group_over(group) ||
	    mls_group_member_count(group->mls) == 1)
		return SOTTO_OK;
	group->speak_due_ns = 0;
	group->speakers = 0;
	group->lost_ns = talk->now_ns;
	talk_fork_doubt(talk, group);
	err = talk_texts_doubt(talk, group);
	return err == SOTTO_OK ? talk_stand_still(talk, group, TALK_STUCK_LOST) : err;
}

/* Others than the first are not told apart. */
static void speaker_note(struct talk_group *group, const uint8_t *key)
{
	if (group->speakers == 0)
		memcpy(group->speaker, key, sizeof(group->speaker));
	if (group->speakers == 0 || memcmp(group->speaker, key, sizeof(group->speaker)) != 0)
		group->speakers++;
}

/* It may be in doubt whether anybody is here. */
void talk_life_heard(struct talk_group *group, const struct talk_drop *drop, const uint8_t *key)
{
	if (drop != &group->drops[0])
		return;
	speaker_note(group, key);
	if (group->speakers < SPEAKERS)
		group->speak_due_ns = 0;
}

/* Whoever is out would read it. */
bool talk_all_allowed(const struct talk *talk, const struct talk_group *group)
{
	struct mls_member member;
	uint32_t cursor = 0;

	while (mls_group_next_member(group->mls, &cursor, &member)) {
		if (!talk_leaf_allowed(talk, group, member.signature_key.data))
			return false;
	}
	return true;
}

static enum sotto_err speak(struct talk *talk, struct talk_group *group)
{
	struct talk_receipt nothing = {0};
	struct talk_blob body = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	if (group->kind == TALK_EVERYONE) {
		TRY(talk_out_put(talk, group, TALK_BODY_BEACON, BYTES_NONE, true, &out));
	} else {
		TRY(talk_encode(talk, &talk_receipt_type, &nothing, &body));
		TRY(talk_out_put(talk, group, TALK_BODY_RECEIPT, talk_blob_bytes(&body), true,
				 &out));
	}
	out->lives = true;
	speaker_note(group, talk->identity.public_key);
out:
	talk_blob_clear(talk, &body);
	return err;
}

/*
 * An entry that everybody else has read nobody puts there again when the relay lost it, nor a commit that led on long ago: who has not
 * waits for it in vain, even if others wait with him. The relay lost it and does not withhold it.
 */
static bool further_lost(const struct talk *talk, const struct talk_group *group)
{
	return group->kind == TALK_EVERYONE && talk->behind_ns != 0 && group->drops[0].at_end &&
	       group->stuck == TALK_STUCK_NO && talk_relay_lost(talk) &&
	       talk->now_ns >= talk->behind_ns + TALK_BEHIND_MS * TALK_MS;
}

enum sotto_err talk_life_work(struct talk *talk, struct talk_group *group)
{
	const struct talk_drop *drop = &group->drops[0];
	uint64_t slot_ms = TALK_SPEAK_MS / mls_group_member_count(group->mls);

	if (further_lost(talk, group))
		return talk_stand_still(talk, group, TALK_STUCK_GAP);
	if (group->speak_due_ns == TALK_NEVER || !drop->at_end ||
	    !talk->everyone->drops[0].at_end || talk_group_over(group) ||
	    (talk->problems & UINT32_C(1) << TALK_PROBLEM_FORKED) != 0)
		return SOTTO_OK;
	if (group->speak_due_ns == 0) {
		slot_ms = slot_ms < TALK_RANK_MS ? slot_ms : TALK_RANK_MS;
		group->speak_due_ns = talk->now_ns + talk_rank(talk, group, BYTES_OF(drop->name)) *
							     slot_ms * TALK_MS;
	}
	if (talk->now_ns < group->speak_due_ns)
		return SOTTO_OK;
	group->speak_due_ns = TALK_NEVER;
	if ((group->stuck != TALK_STUCK_LOST && group->speakers >= SPEAKERS) ||
	    !talk_all_allowed(talk, group))
		return SOTTO_OK;
	return speak(talk, group);
}
