/* SPDX-License-Identifier: Apache-2.0 */
/* Phones from inside. */
#include "tests/talk/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* These tests have no other answer to an error than to end. */
static void must(enum sotto_err err)
{
	ASSERT(err == SOTTO_OK);
}

struct talk *talk_of(struct world *world, uint32_t number)
{
	return world_phone(world, number)->talk;
}

struct talk_group *direct_of(struct world *world, uint32_t number, uint32_t peer)
{
	const struct ledger *ledger = talk_ledger(talk_of(world, number));
	const struct ledger_member *member =
		ledger_member_by_extension(ledger, world_extension(world, peer));

	return member == NULL ? NULL : talk_group_direct(talk_of(world, number), member->id);
}

uint64_t epoch_of(const struct talk_group *group)
{
	struct mls_context context;

	mls_group_context(group->mls, &context);
	return context.epoch;
}

struct talk_group *everyone_of(struct world *world, uint32_t number)
{
	return talk_of(world, number)->everyone;
}

uint64_t epoch_at(struct world *world, uint32_t number)
{
	return epoch_of(everyone_of(world, number));
}

size_t unfinished(struct world *world, uint32_t number)
{
	size_t count = 0;

	list_for_each (element, following, &everyone_of(world, number)->coming)
		count++;
	return count;
}

static enum sotto_err row_count(void *context, uint64_t index, struct bytes value)
{
	(void)index;
	(void)value;
	(*(size_t *)context)++;
	return SOTTO_OK;
}

size_t rows(struct world *world, uint32_t number, uint8_t table)
{
	uint8_t owner[8];
	struct store_range range;
	size_t count = 0;

	talk_group_owner(everyone_of(world, number), owner);
	range = STORE_RANGE_ALL(table, BYTES_OF(owner));
	must(store_iterate(&world_phone(world, number)->reader, &range, row_count, &count));
	return count;
}

static struct talk_history history_read(struct world *world, uint32_t number, uint32_t peer)
{
	struct talk_conversation with = talk_with(100 + peer);
	struct talk_history history = {0};
	struct talk_owner owner;

	must(talk_conversation_owner(talk_of(world, number), &with, &owner));
	must(talk_history_read(&world_phone(world, number)->reader, &owner, 0, &history));
	return history;
}

size_t history_of(struct world *world, uint32_t number, uint32_t peer, size_t *placeless)
{
	struct talk_history history = history_read(world, number, peer);
	size_t count = history.count;

	*placeless = 0;
	for (size_t i = 0; i < count; i++)
		*placeless += history.rows[i].place.sequence == 0;
	talk_history_release(&history);
	return count;
}

bool histories_equal(struct world *world, uint32_t a, uint32_t b)
{
	struct talk_history left = history_read(world, a, b), right = history_read(world, b, a);
	bool equal = left.count == right.count;

	for (size_t i = 0; equal && i < left.count; i++)
		equal = memcmp(left.rows[i].id, right.rows[i].id, TALK_MESSAGE_ID_LEN) == 0 &&
			talk_place_compare(&left.rows[i].place, &right.rows[i].place) == 0;
	talk_history_release(&left);
	talk_history_release(&right);
	return equal;
}

static void step_begin(struct world *world, struct talk *talk)
{
	must(talk_step_begin(talk, world_now(world), WORLD_UTC_MS + world_now(world) / 1000000));
}

void update_wish(struct world *world, uint32_t number, struct talk_group *group)
{
	struct talk *talk = talk_of(world, number);

	step_begin(world, talk);
	group->update_due = true;
	group->settled = false;
	must(talk_step_end(talk, SOTTO_OK));
	world_settle(world_phone(world, number));
}

/* Within a step; its phone knows it again. */
static void plain_seal(struct talk *talk, struct talk_group *group, struct bytes plain,
		       struct talk_blob *record)
{
	size_t room = mls_group_protect_len(group->mls, 0, plain.len, 0);
	uint8_t *message = malloc(room);
	size_t len;

	ASSERT(message != NULL);
	if (mls_group_reserved(group->mls) == 0)
		must(talk_ratchets_reserve(group));
	must(mls_group_protect(group->mls, BYTES_NONE, plain, 0, message, room, &len));
	group->dirty = group->dirty_ratchet = true;
	must(talk_record_seal(talk, &group->drops[0], BYTES(message, len), record));
	must(talk_own_add(talk, &group->drops[0], talk_blob_bytes(record), 0));
	free(message);
}

void plain_post(struct world *world, uint32_t number, struct talk_group *group, struct bytes plain)
{
	struct talk *talk = talk_of(world, number);
	const struct talk_drop *drop = &group->drops[0];
	struct talk_blob record = {0};
	struct talk_asked *asked;

	step_begin(world, talk);
	plain_seal(talk, group, plain, &record);
	must(talk_ask_append(talk, TALK_ASK_APPEND_AGAIN, drop->append_token, drop->read_hash,
			     drop->flags, talk_blob_bytes(&record), &asked));
	must(talk_step_end(talk, SOTTO_OK));
	world_settle(world_phone(world, number));
	talk_blob_clear(talk, &record);
}

static void frame_make(struct talk *talk, const struct talk_group *group, frame_change *change,
		       const void *context, struct talk_blob *changed)
{
	struct talk_out out = {.type = TALK_BODY_CALL};
	struct talk_blob honest = {0};
	struct talk_frame frame;

	must(talk_frame_encode(talk, group, &out, &honest));
	must(wire_decode(&talk_frame_type, talk_blob_bytes(&honest), &frame));
	change(&frame, context);
	must(talk_encode(talk, &talk_frame_type, &frame, changed));
	talk_blob_clear(talk, &honest);
}

void frame_post(struct world *world, uint32_t number, struct talk_group *group,
		frame_change *change, const void *context)
{
	struct talk *talk = talk_of(world, number);
	struct talk_blob changed = {0};

	frame_make(talk, group, change, context, &changed);
	plain_post(world, number, group, talk_blob_bytes(&changed));
	talk_blob_clear(talk, &changed);
}

void frame_seal(struct world *world, uint32_t number, struct talk_group *group,
		frame_change *change, const void *context, struct talk_blob *record)
{
	struct talk *talk = talk_of(world, number);
	struct talk_blob changed = {0};

	step_begin(world, talk);
	frame_make(talk, group, change, context, &changed);
	plain_seal(talk, group, talk_blob_bytes(&changed), record);
	must(talk_step_end(talk, SOTTO_OK));
	world_settle(world_phone(world, number));
	talk_blob_clear(talk, &changed);
}

bool append_read(struct bytes request, uint8_t *name, struct bytes *sealed)
{
	uint8_t append_hash[WIRE_HASH_LEN];
	struct wire_append append;
	struct wire_cursor cursor;
	struct wire_record record;

	if (wire_identify(WIRE_FAMILY_RELAY, request) != &wire_append_type)
		return false;
	must(wire_decode(&wire_append_type, request, &append));
	wire_append_token_hash(append.append_token, append_hash);
	wire_drop_name(append.flags, append_hash, append.read_token_hash, name);
	cursor = wire_list_walk(&append.records);
	if (!wire_record_next(&cursor, &record))
		return false;
	*sealed = record.sealed;
	return true;
}
