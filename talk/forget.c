/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way into a network that came to nothing: the time of a card is over, or the person chose another way, from a
 * join or from a founding that the relay never answered. What was prepared for it is erased, here and in the
 * store, and the phone is empty again.
 *
 *   time over --(a last look into the landing, or CARD_LOOK_MS without a link)--> empty
 *
 * The last look: somebody may have let this phone in while it was off.
 */
#include <string.h>

#include "base/assert.h"
#include "talk/state.h"

/* What a sponsor sent at the last moment is on its way for so long. */
#define CARD_LATE_MS UINT64_C(60000)
/* Without a link nobody knows; a person who waits should, after a while. */
#define CARD_LOOK_MS UINT64_C(600000)

/* A clock that jumps is asked again so often. */
#define CARD_CLOCK_MS UINT64_C(3600000)

/* When nothing can come of the card any more; whatever a card says, without overflow. */
static uint64_t card_end_ms(const struct talk *talk)
{
	struct ledger_invitation card;
	uint64_t end_ms = UINT64_MAX;

	if (wire_decode(&ledger_invitation_type, talk_blob_bytes(&talk->invitation), &card) ==
		    SOTTO_OK &&
	    card.expires_ms < UINT64_MAX - CARD_LATE_MS)
		end_ms = card.expires_ms + CARD_LATE_MS;
	bytes_wipe(&card, sizeof(card));
	return end_ms;
}

uint64_t talk_join_due(const struct talk *talk)
{
	uint64_t end_ms, left_ms;

	if (talk->state != TALK_JOINING)
		return TALK_NEVER;
	/* Loaded, and no step with a clock yet. */
	if (talk->utc_ms == 0)
		return talk->now_ns;
	if (talk->card_over_ns != 0)
		return talk->card_over_ns + CARD_LOOK_MS * TALK_MS;
	end_ms = card_end_ms(talk);
	left_ms = end_ms < talk->utc_ms ? 0 : end_ms - talk->utc_ms;
	return talk->now_ns + (left_ms < CARD_CLOCK_MS ? left_ms + 1 : CARD_CLOCK_MS) * TALK_MS;
}

enum sotto_err talk_join_expire(struct talk *talk)
{
	if (talk->state != TALK_JOINING || talk->utc_ms <= card_end_ms(talk))
		return SOTTO_OK;
	if (talk->card_over_ns == 0)
		talk->card_over_ns = talk->now_ns;
	if (!talk->inbox.at_end && talk->now_ns < talk->card_over_ns + CARD_LOOK_MS * TALK_MS)
		return SOTTO_OK;
	return talk_forget(talk);
}

static enum sotto_err group_erase(struct talk *talk, struct talk_group *group)
{
	static const uint8_t tables[] = {TALK_TABLE_GROUP, TALK_TABLE_TREE, TALK_TABLE_EPOCH,
					 TALK_TABLE_RATCHET};
	enum sotto_err err = SOTTO_OK;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		TRY(store_batch_delete(&talk->batch, tables[i], BYTES_NONE, group->number));
	TRY(talk_branch_erase(talk, group));
	talk_group_free(talk, group);
out:
	return err;
}

/* Of a founding: *everyone* with its founder alone, in which nothing was said, and the ledger's first entry. */
static enum sotto_err network_erase(struct talk *talk)
{
	struct ledger *empty = NULL;
	enum sotto_err err = SOTTO_OK;

	TRY(ledger_create(talk->allocator, &empty));
	list_for_each (element, following, &talk->groups)
		TRY(group_erase(talk, CONTAINER_OF(element, struct talk_group, list)));
	talk->everyone = NULL;
	for (; talk->ledger_saved > 0; talk->ledger_saved--)
		TRY(store_batch_delete(&talk->batch, TALK_TABLE_LEDGER, BYTES_NONE,
				       talk->ledger_saved - 1));
	ledger_destroy(talk->ledger);
	talk->ledger = empty;
	empty = NULL;
	bytes_wipe(talk->access, sizeof(talk->access));
	talk->access_count = 0;
	bytes_wipe(talk->claim, sizeof(talk->claim));
out:
	ledger_destroy(empty);
	return err;
}

static enum sotto_err rows_erase(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->packages) {
		struct talk_package *package = CONTAINER_OF(element, struct talk_package, list);

		TRY(store_batch_delete(&talk->batch, TALK_TABLE_PACKAGE, BYTES_NONE,
				       package->number));
		talk_package_free(talk, package);
	}
	TRY(store_batch_delete(&talk->batch, TALK_TABLE_SELF, BYTES_NONE, 0));
	list_for_each (element, following, &talk->coming)
		talk_coming_free(talk, CONTAINER_OF(element, struct talk_coming, list));
out:
	return err;
}

enum sotto_err talk_forget(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	ASSERT(talk->state == TALK_FOUNDING || talk->state == TALK_JOINING);
	TRY(talk_unlink(talk));
	if (talk->state == TALK_FOUNDING)
		TRY(network_erase(talk));
	TRY(rows_erase(talk));
	talk_blob_clear(talk, &talk->invitation);
	talk_drop_clear(talk, &talk->inbox);
	talk_drop_clear(talk, &talk->porch);
	bytes_wipe(&talk->identity, sizeof(talk->identity));
	bytes_wipe(talk->inbox_read, sizeof(talk->inbox_read));
	bytes_wipe(talk->rotation_seed, sizeof(talk->rotation_seed));
	bytes_wipe(talk->landing_append, sizeof(talk->landing_append));
	memset(&talk->inbox_kept, 0, sizeof(talk->inbox_kept));
	talk->card_over_ns = 0;
	talk->problems = 0;
	talk->state = TALK_EMPTY;
	/* Its row is gone: there is nothing to say of an empty phone. */
	talk->dirty = false;
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_STATE}));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK}));
out:
	return err;
}
