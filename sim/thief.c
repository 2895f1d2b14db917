/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody who copies what one phone has stored, once, and from then on sees each record that any phone sends into one of
 * that phone's conversations, opened down to the MLS message: more than anybody can have.
 *
 *   record --> commit of its epoch: kept
 *          --> message of a later epoch: whichever kept commit leads to the sender's epoch is followed
 *              message of its epoch: opened, if it can --> not where the phone's leaf is another one than was copied
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "mls/group.h"
#include "sim/world.h"
#include "talk/state.h"

#define STOLEN_MAX  8
#define COMMITS_MAX 16
/* When, after the network's beginning. */
#define FROM_NS (2 * SIM_HOUR)
#define SPAN_NS (16 * SIM_HOUR)

struct stolen {
	uint8_t id[TALK_GROUP_ID_LEN];
	struct mls_group *mls;
	uint64_t epoch;
	uint8_t leaf[WIRE_HASH_LEN]; /* of the phone, when it was copied */
	struct talk_blob commits[COMMITS_MAX];
	size_t commit_count;
	bool healed; /* a message was sent where the phone's leaf is another one */
};

struct sim_thief {
	struct sim_random random;
	struct random_source source;
	struct talk_agreed agreed; /* what everybody can look up */
	struct mls_psk_source heads;
	uint32_t whom;
	uint64_t at_ns;
	bool done; /* has copied it */
	uint8_t key[LEDGER_KEY_LEN];
	struct stolen stolen[STOLEN_MAX];
	size_t stolen_count;
};

struct sim_thief *sim_thief_create(const struct sim_world *world, const struct sim_random *random)
{
	struct sim_thief *thief = calloc(1, sizeof(*thief));

	ASSERT(thief != NULL);
	thief->random = *random;
	thief->source = sim_random_source(&thief->random);
	thief->heads = (struct mls_psk_source){talk_agreed_find, &thief->agreed};
	thief->whom = (uint32_t)sim_random_below(&thief->random, world->person_count);
	thief->at_ns = FROM_NS + sim_random_below(&thief->random, SPAN_NS);
	return thief;
}

static void commits_forget(struct stolen *stolen)
{
	for (size_t i = 0; i < stolen->commit_count; i++)
		free(stolen->commits[i].data);
	stolen->commit_count = 0;
}

void sim_thief_destroy(struct sim_thief *thief)
{
	if (thief == NULL)
		return;
	for (size_t i = 0; i < thief->stolen_count; i++) {
		commits_forget(&thief->stolen[i]);
		mls_group_destroy(thief->stolen[i].mls);
	}
	free(thief);
}

void sim_thief_counts(const struct sim_thief *thief, uint64_t *stolen, uint64_t *healed)
{
	*stolen = thief->stolen_count;
	*healed = 0;
	for (size_t i = 0; i < thief->stolen_count; i++)
		*healed += thief->stolen[i].healed;
}

static enum sotto_err group_load(struct sim_thief *thief, struct bytes tree, struct bytes epoch,
				 struct bytes ratchets, struct mls_group **mls)
{
	const struct mls_config config = {
		.allocator = &allocator_default,
		.random = &thief->source,
		.limits = *mls_limits_default(),
		.psks = &thief->heads,
	};

	return mls_group_load(&config, tree, epoch, ratchets, mls);
}

static bool leaf_hash(const struct mls_group *mls, const uint8_t *key, uint8_t *digest)
{
	struct mls_member member;

	if (mls_group_find_member(mls, BYTES(key, LEDGER_KEY_LEN), &member) != SOTTO_OK)
		return false;
	hash_digest(HASH_SHA256, member.encryption_key, digest);
	return true;
}

/* As its store has it. */
static void group_steal(struct sim_thief *thief, struct sim_phone *phone,
			const struct talk_group *group)
{
	struct stolen *stolen = &thief->stolen[thief->stolen_count];
	struct writer tree, epoch, ratchets;
	enum sotto_err err = SOTTO_OK;

	writer_init_growing(&tree, &allocator_default);
	writer_init_growing(&epoch, &allocator_default);
	writer_init_growing(&ratchets, &allocator_default);
	err = store_get(&phone->reader, TALK_TABLE_TREE, BYTES_NONE, group->number, &tree);
	FAIL_IF(err != SOTTO_OK && err != SOTTO_ERR_NOT_FOUND, err);
	TRY(store_get(&phone->reader, TALK_TABLE_EPOCH, BYTES_NONE, group->number, &epoch));
	TRY(store_get(&phone->reader, TALK_TABLE_RATCHET, BYTES_NONE, group->number, &ratchets));
	TRY(group_load(thief, writer_bytes(&tree), writer_bytes(&epoch), writer_bytes(&ratchets),
		       &stolen->mls));
	memcpy(stolen->id, group->id, sizeof(stolen->id));
	stolen->epoch = group->drops[0].epoch;
	if (leaf_hash(stolen->mls, thief->key, stolen->leaf))
		thief->stolen_count++;
	else
		mls_group_destroy(stolen->mls);
out:
	(void)err; /* a new group, or a store that is locked: not this one */
	writer_release(&tree);
	writer_release(&epoch);
	writer_release(&ratchets);
}

static void steal(struct sim_thief *thief, struct sim_phone *phone)
{
	memcpy(thief->key, phone->talk->identity.public_key, sizeof(thief->key));
	list_for_each (element, following, &phone->talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (thief->stolen_count < STOLEN_MAX && !talk_group_over(group) &&
		    mls_group_member_count(group->mls) > 1 && !group->dirty_epoch)
			group_steal(thief, phone, group);
	}
	thief->done = true;
	sim_trace(phone->world, "%u is copied, %zu conversations of it", phone->number,
		  thief->stolen_count);
}

/* Does this commit lead to where the sender is? */
static bool follow(struct sim_thief *thief, struct stolen *stolen, struct bytes commit,
		   const struct talk_group *group)
{
	uint8_t ours[MLS_HASH_LEN_MAX] = {0}, theirs[MLS_HASH_LEN_MAX] = {0};
	struct mls_buffer tree = {0}, epoch = {0}, ratchets = {0};
	struct mls_group *mls = NULL;
	struct mls_staged *staged = NULL;
	struct mls_staged_info info;
	bool leads = false, own = false;
	enum sotto_err err = SOTTO_OK;

	TRY(mls_group_save_tree(stolen->mls, &tree));
	TRY(mls_group_save(stolen->mls, &epoch));
	TRY(mls_group_save_ratchets(stolen->mls, 1, &ratchets));
	TRY(group_load(thief, mls_buffer_bytes(&tree), mls_buffer_bytes(&epoch),
		       mls_buffer_bytes(&ratchets), &mls));
	TRY(mls_group_receive(mls, commit, &staged));
	mls_staged_info(staged, &info);
	own = info.kind == MLS_STAGED_OWN_COMMIT;
	TRY(mls_group_merge(mls, &staged));
	if (!mls_group_active(mls))
		goto out;
	mls_group_epoch_authenticator(mls, ours);
	mls_group_epoch_authenticator(group->mls, theirs);
	leads = memcmp(ours, theirs, sizeof(ours)) == 0;
out:
	if (leads) {
		mls_group_destroy(stolen->mls);
		stolen->mls = mls;
		stolen->epoch++;
		/* It was on its way when the phone was copied, and its secrets with it. */
		if (own && !leaf_hash(mls, thief->key, stolen->leaf))
			memset(stolen->leaf, 0, sizeof(stolen->leaf));
	} else {
		mls_group_destroy(mls);
	}
	(void)err; /* it cannot be followed */
	mls_staged_destroy(staged);
	mls_buffer_release(&tree);
	mls_buffer_release(&epoch);
	mls_buffer_release(&ratchets);
	return leads;
}

static void message_seen(struct sim_thief *thief, struct sim_phone *phone, struct stolen *stolen,
			 const struct talk_group *group, struct bytes message)
{
	uint8_t leaf[WIRE_HASH_LEN] = {0};
	struct mls_application application;
	uint8_t *room;
	bool other;

	if (stolen->epoch + 1 == group->drops[0].epoch) {
		for (size_t i = 0; i < stolen->commit_count; i++) {
			if (follow(thief, stolen, talk_blob_bytes(&stolen->commits[i]), group))
				break;
		}
		commits_forget(stolen);
	}
	/* Who is still in an epoch before the copy's does not know the leaf that the copy has. */
	other = group->drops[0].epoch >= stolen->epoch &&
		(!leaf_hash(group->mls, thief->key, leaf) ||
		 memcmp(leaf, stolen->leaf, sizeof(leaf)) != 0);
	stolen->healed = stolen->healed || other;
	room = malloc(message.len);
	ASSERT(room != NULL);
	if (mls_group_unprotect(stolen->mls, message, room, message.len, &application) ==
		    SOTTO_OK &&
	    other)
		sim_break(phone->world,
			  "a copy of a phone opens nothing behind that phone's update",
			  "phone %u to %u, epoch %llu", phone->number, thief->whom,
			  (unsigned long long)stolen->epoch);
	free(room);
}

static void record_seen(struct sim_thief *thief, struct sim_phone *phone, struct stolen *stolen,
			const struct talk_group *group, struct bytes sealed)
{
	struct talk_blob message = {0};
	struct mls_message_info info;

	if (talk_record_open(phone->talk, &group->drops[0], sealed, &message) != SOTTO_OK)
		return;
	if (mls_message_read(talk_blob_bytes(&message), &info) != SOTTO_OK) {
		/* A part: none of the commits of a network of this size. */
	} else if (info.content_type == MLS_CONTENT_APPLICATION) {
		message_seen(thief, phone, stolen, group, talk_blob_bytes(&message));
	} else if (info.epoch == stolen->epoch && stolen->commit_count < COMMITS_MAX) {
		struct talk_blob *kept = &stolen->commits[stolen->commit_count++];

		kept->data = malloc(message.len);
		ASSERT(kept->data != NULL);
		memcpy(kept->data, message.data, message.len);
		kept->len = message.len;
	}
	talk_blob_clear(phone->talk, &message);
}

void sim_thief_sees(struct sim_thief *thief, struct sim_phone *phone, const uint8_t *name,
		    struct bytes sealed)
{
	if (!thief->done && phone->number == thief->whom && phone->was_member &&
	    sim_world_now(phone->world) >= thief->at_ns)
		steal(thief, phone);
	for (size_t i = 0; i < thief->stolen_count; i++) {
		struct stolen *stolen = &thief->stolen[i];
		const struct talk_group *group = talk_group_by_id(phone->talk, stolen->id);

		if (group == NULL || memcmp(group->drops[0].name, name, WIRE_HASH_LEN) != 0)
			continue;
		record_seen(thief, phone, stolen, group, sealed);
	}
}
