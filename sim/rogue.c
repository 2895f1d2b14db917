/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that misbehave: what their own program would never send, said with their keys into one of their
 * conversations. Everybody else goes on as if it had not been there.
 *
 *   bytes that nobody can open | a record whose content is no message | a message whose content is no frame |
 *   a frame that accuses the relay with a signature which is none | a receipt for what was never sent
 *
 * Or a commit whose path some can open and some cannot: these stop there, say whose it was, and are added anew.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "mls/group.h"
#include "sim/world.h"
#include "talk/state.h"
#include "wire/drop.h"

#define JUNK_MAX     700
#define FIRST_TICKET (UINT64_C(1) << 63) /* none of the engine's: it heeds no answer */

/* A conversation of this phone in which it may write now; NULL: none of those drawn. */
static struct talk_group *conversation_draw(struct sim_phone *phone, struct sim_entry *entry)
{
	struct talk_group *chosen = NULL;
	uint64_t seen = 0;

	list_for_each (element, following, &phone->talk->groups) {
		struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (!talk_group_current(phone->talk, group) || group->pending.count > 0 ||
		    group->blocked || group->drops[0].own_count + 1 >= TALK_OWN_MAX)
			continue;
		if (sim_random_below(&entry->random, ++seen) == 0)
			chosen = group;
	}
	return chosen;
}

/* Past the engine, which knows nothing of it. */
static void record_send(struct sim_phone *phone, const struct talk_drop *drop, struct bytes sealed)
{
	struct wire_record item = {.sealed = sealed};
	struct wire_append append = {.flags = drop->flags, .records = {.items = &item, .count = 1}};
	struct writer writer;
	enum sotto_err err;

	memcpy(append.append_token, drop->append_token, WIRE_TOKEN_LEN);
	memcpy(append.read_token_hash, drop->read_hash, WIRE_HASH_LEN);
	writer_init_growing(&writer, &allocator_default);
	err = wire_encode(&wire_append_type, &append, &writer);
	ASSERT(err == SOTTO_OK);
	sim_line_request(phone->line, FIRST_TICKET + phone->world->totals.rogue,
			 writer_bytes(&writer));
	writer_release(&writer);
}

/* Of the phone's own leaf and ratchet, so through its engine: it must know that it wrote it. */
static enum sotto_err message_send(struct sim_phone *phone, struct talk_group *group,
				   struct bytes plain)
{
	struct talk *talk = phone->talk;
	struct talk_drop *drop = &group->drops[0];
	size_t room = mls_group_protect_len(group->mls, 0, plain.len, 0);
	uint8_t *message = malloc(room);
	struct talk_blob record = {0};
	struct talk_asked *asked;
	size_t len;
	enum sotto_err err = SOTTO_OK;

	ASSERT(message != NULL);
	if (mls_group_reserved(group->mls) == 0)
		TRY(talk_ratchets_reserve(group));
	TRY(mls_group_protect(group->mls, BYTES_NONE, plain, 0, message, room, &len));
	group->dirty = group->dirty_ratchet = true;
	TRY(talk_record_seal(talk, drop, BYTES(message, len), &record));
	TRY(talk_own_add(talk, drop, talk_blob_bytes(&record), 0));
	err = talk_ask_append(talk, TALK_ASK_APPEND_AGAIN, drop->append_token, drop->read_hash,
			      drop->flags, talk_blob_bytes(&record), &asked);
	if (err == SOTTO_ERR_AGAIN)
		err = SOTTO_OK;
out:
	talk_blob_clear(talk, &record);
	free(message);
	return err;
}

static enum sotto_err frame_send(struct sim_phone *phone, struct talk_group *group,
				 struct sim_entry *entry, bool accuses)
{
	struct talk_out out = {.type = TALK_BODY_RECEIPT};
	struct talk_blob honest = {0}, changed = {0};
	struct talk_gap never = {.serial = 1000000};
	struct talk_has has = {.floor = 900000, .above = {.items = &never, .count = 1}};
	struct talk_receipt receipt = {.has = {.items = &has, .count = 1}};
	struct talk_blob body = {0};
	struct talk_relay_word word;
	struct talk_frame frame;
	enum sotto_err err = SOTTO_OK;

	sim_random_fill(&entry->random, (uint8_t *)&word, sizeof(word));
	memcpy(word.drop, group->drops[0].name, sizeof(word.drop));
	memcpy(word.incarnation, group->drops[0].incarnation, sizeof(word.incarnation));
	word.end_sequence = group->drops[0].sequence;
	/* Of a device that is in no conversation. */
	sim_random_fill(&entry->random, has.device_key, sizeof(has.device_key));
	TRY(talk_encode(phone->talk, &talk_receipt_type, &receipt, &body));
	TRY(talk_frame_encode(phone->talk, group, &out, &honest));
	err = wire_decode(&talk_frame_type, talk_blob_bytes(&honest), &frame);
	ASSERT(err == SOTTO_OK);
	frame.body = talk_blob_bytes(&body);
	if (accuses) {
		frame.relay.items = &word;
		frame.relay.count = 1;
	}
	TRY(talk_encode(phone->talk, &talk_frame_type, &frame, &changed));
	err = message_send(phone, group, talk_blob_bytes(&changed));
out:
	talk_blob_clear(phone->talk, &body);
	talk_blob_clear(phone->talk, &honest);
	talk_blob_clear(phone->talk, &changed);
	return err;
}

/* ---- A commit that only some can open ---- */

#define CHANGED_MAX 64
#define DRAWS	    16
/* From the end of a public key: in the X25519 part of both suites, where any bytes are a key. */
#define KEY_BYTE 8

/* What is sealed to these keys nobody opens. The tree's hashes are remembered, so that they stay right. */
struct harm {
	uint8_t *bytes[CHANGED_MAX];
	size_t count;
};

static void harm_turn(const struct harm *harm)
{
	for (size_t i = 0; i < harm->count; i++)
		*harm->bytes[i] ^= 1;
}

/* One of the subtrees that a path of ours is sealed to; false: all others are in it, or too many keys. */
static bool harm_draw(const struct talk_group *group, struct sim_entry *entry, struct harm *harm)
{
	const struct tree *tree = &group->mls->epoch->tree;
	struct tree_path_step steps[TREE_DEPTH_MAX];
	size_t count = tree_filtered_path(tree, group->mls->epoch->own_leaf, steps);
	struct tree_resolution resolution;
	size_t one, other;
	uint32_t node;

	*harm = (struct harm){0};
	if (count < 2)
		return false;
	/* Rather one of the larger ones. */
	one = sim_random_below(&entry->random, count);
	other = sim_random_below(&entry->random, count);
	(void)tree_root_hash(tree);
	tree_resolution_begin(&resolution, tree, steps[one > other ? one : other].copath);
	while ((node = tree_resolution_next(&resolution)) != TREE_NODE_NONE) {
		struct bytes key = tree_key(tree, node);

		if (harm->count == CHANGED_MAX)
			return false;
		/* The nodes are this phone's own, shared by its epochs. */
		harm->bytes[harm->count++] = (uint8_t *)(uintptr_t)key.data + key.len - KEY_BYTE;
	}
	return true;
}

static enum sotto_err commit_send(struct sim_phone *phone, struct talk_group *group,
				  const struct harm *harm)
{
	struct mls_commit_options options = {0};
	enum sotto_err err;

	harm_turn(harm);
	err = talk_commit_make(phone->talk, group, &options, NULL, BYTES_NONE);
	harm_turn(harm);
	phone->misbehaved = phone->misbehaved || err == SOTTO_OK;
	memcpy(phone->rogue_key, phone->talk->identity.public_key, LEDGER_KEY_LEN);
	return err;
}

void sim_act_rogue_commit(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);
	struct talk_group *group = NULL;
	struct harm harm;
	enum sotto_err err;

	/* Most conversations are of two. */
	for (int i = 0; i < DRAWS && phone != NULL && group == NULL; i++) {
		group = conversation_draw(phone, entry);
		if (group == NULL || !harm_draw(group, entry, &harm))
			group = NULL;
	}
	if (group == NULL)
		return;
	world->totals.rogue++;
	world->totals.split++;
	sim_trace(world, "%u commits in kind %d what %zu keys do not open", phone->number,
		  (int)group->kind, harm.count);
	err = talk_step_begin(phone->talk, sim_phone_now(phone), sim_phone_utc(phone));
	if (err == SOTTO_OK)
		err = commit_send(phone, group, &harm);
	sim_phone_settle(phone, talk_step_end(phone->talk, err));
}

void sim_act_rogue(struct sim_world *world, struct sim_entry *entry)
{
	struct sim_phone *phone = sim_act_somebody(world, entry);
	struct talk_group *group = phone == NULL ? NULL : conversation_draw(phone, entry);
	uint8_t junk[WIRE_RECORD_LEN_1];
	struct talk_blob record = {0};
	size_t len = 1 + sim_random_below(&entry->random, JUNK_MAX);
	uint64_t how = sim_random_below(&entry->random, 5);
	enum sotto_err err;

	if (group == NULL)
		return;
	sim_random_fill(&entry->random, junk, sizeof(junk));
	world->totals.rogue++;
	sim_trace(world, "%u misbehaves in kind %d, way %llu", phone->number, (int)group->kind,
		  (unsigned long long)how);
	if (how == 0) {
		record_send(phone, &group->drops[0], BYTES_OF(junk));
		return;
	}
	err = talk_step_begin(phone->talk, sim_phone_now(phone), sim_phone_utc(phone));
	/* Another version is no garbage: that is said. */
	junk[0] = TALK_VERSION;
	if (err == SOTTO_OK && how == 1) {
		err = talk_record_seal(phone->talk, &group->drops[0], BYTES(junk, len), &record);
		if (err == SOTTO_OK)
			record_send(phone, &group->drops[0], talk_blob_bytes(&record));
		talk_blob_clear(phone->talk, &record);
	} else if (err == SOTTO_OK && how == 2) {
		err = message_send(phone, group, BYTES(junk, len));
	} else if (err == SOTTO_OK) {
		err = frame_send(phone, group, entry, how == 3);
	}
	sim_phone_settle(phone, talk_step_end(phone->talk, err));
}
