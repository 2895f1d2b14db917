/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in which epoch of which conversation, as the phones that were there say it; and what must hold of groups when
 * nothing happens any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "mls/group.h"
#include "sim/world.h"
#include "talk/state.h"

#define SIZE_MIN 1024

struct seen {
	uint8_t id[TALK_CONVERSATION_ID_LEN];
	uint64_t epoch;
	uint64_t members;
	uint64_t there; /* the phones that came to it, by commits or by a Welcome */
	bool used;
};

struct sim_epochs {
	struct seen *seen;
	size_t size, count;
};

struct sim_epochs *sim_epochs_create(void)
{
	struct sim_epochs *epochs = calloc(1, sizeof(*epochs));

	ASSERT(epochs != NULL);
	epochs->size = SIZE_MIN;
	epochs->seen = calloc(epochs->size, sizeof(*epochs->seen));
	ASSERT(epochs->seen != NULL);
	return epochs;
}

void sim_epochs_destroy(struct sim_epochs *epochs)
{
	if (epochs == NULL)
		return;
	free(epochs->seen);
	free(epochs);
}

static struct seen *find(struct seen *table, size_t size, const uint8_t *id, uint64_t epoch)
{
	uint64_t place;

	memcpy(&place, id, sizeof(place));
	place += epoch * UINT64_C(0x9e3779b97f4a7c15);
	for (place &= size - 1; table[place].used; place = (place + 1) & (size - 1)) {
		if (table[place].epoch == epoch &&
		    memcmp(table[place].id, id, TALK_CONVERSATION_ID_LEN) == 0)
			break;
	}
	return &table[place];
}

static void grow(struct sim_epochs *epochs)
{
	size_t size = 2 * epochs->size;
	struct seen *larger = calloc(size, sizeof(*larger));

	ASSERT(larger != NULL);
	for (size_t i = 0; i < epochs->size; i++) {
		const struct seen *seen = &epochs->seen[i];

		if (seen->used)
			*find(larger, size, seen->id, seen->epoch) = *seen;
	}
	free(epochs->seen);
	epochs->seen = larger;
	epochs->size = size;
}

/* By the ledger of the phone that looks, which has everybody who is in one of its conversations. */
static uint64_t members_of(const struct sim_phone *phone, const struct talk_group *group)
{
	const struct ledger *ledger = talk_ledger(phone->talk);
	struct mls_member leaf;
	uint32_t cursor = 0;
	uint64_t members = 0;

	while (mls_group_next_member(group->mls, &cursor, &leaf)) {
		const struct ledger_device *device =
			ledger_device_by_key(ledger, leaf.signature_key.data);
		const struct sim_phone *other =
			device == NULL ? NULL
				       : sim_world_by_extension(
						 phone->world,
						 talk_extension_of(phone->talk, device->member));

		/* A further device. */
		if (other != NULL && memcmp(other->key, device->key, LEDGER_KEY_LEN) != 0)
			other = sim_world_by_key(phone->world, device->key);
		if (other != NULL)
			members |= sim_bit(other->number);
	}
	return members;
}

void sim_epoch_note(struct sim_phone *phone, const struct talk_group *group, uint64_t epoch)
{
	struct sim_epochs *epochs = phone->world->epochs;
	struct seen *seen;

	if (2 * epochs->count >= epochs->size)
		grow(epochs);
	seen = find(epochs->seen, epochs->size, group->id, epoch);
	if ((seen->there & sim_bit(phone->number)) == 0)
		sim_trace(phone->world, "%u is in epoch %llu of %02x%02x", phone->number,
			  (unsigned long long)epoch, group->id[0], group->id[1]);
	seen->there |= sim_bit(phone->number);
	if (seen->used)
		return;
	memcpy(seen->id, group->id, sizeof(seen->id));
	seen->epoch = epoch;
	seen->members = members_of(phone, group);
	seen->used = true;
	epochs->count++;
}

bool sim_epoch_members(const struct sim_world *world, const uint8_t *id, uint64_t epoch,
		       uint64_t *members)
{
	const struct seen *seen = find(world->epochs->seen, world->epochs->size, id, epoch);

	if (seen->used)
		*members = seen->members;
	return seen->used;
}

uint64_t sim_epoch_there(const struct sim_world *world, const uint8_t *id, uint64_t epoch)
{
	const struct seen *seen = find(world->epochs->seen, world->epochs->size, id, epoch);

	return seen->used ? seen->there : 0;
}

uint64_t sim_epoch_left(const struct sim_world *world, const uint8_t *id)
{
	uint64_t left = 0;

	for (size_t i = 0; i < world->epochs->size; i++) {
		const struct seen *seen = &world->epochs->seen[i];
		uint64_t after;

		if (seen->used && memcmp(seen->id, id, TALK_CONVERSATION_ID_LEN) == 0 &&
		    sim_epoch_members(world, id, seen->epoch + 1, &after))
			left |= seen->members & ~after;
	}
	return left;
}

/* ---- When nothing happens any more ---- */

static bool stays(const struct sim_phone *phone)
{
	return sim_phone_stays(phone) && phone->talk != NULL;
}

/* Who is in it is there with all others, and nobody holds anybody else for a member. */
static bool group_together(struct sim_world *world, uint32_t number, char *what, size_t room)
{
	const uint8_t *id = world->groups[number].id;
	uint64_t epoch = 0, members = 0, in = 0;
	const struct sim_phone *first = NULL;

	for (uint32_t i = 0; i < world->phone_count; i++) {
		const struct sim_phone *phone = &world->phones[i];
		const struct talk_group *group =
			stays(phone) ? talk_group_by_id(phone->talk, id) : NULL;

		if (group == NULL || talk_group_over(group))
			continue;
		in |= sim_bit(i);
		if (first != NULL &&
		    (group->drops[0].epoch != epoch || members_of(phone, group) != members)) {
			(void)snprintf(what, room, "phones %u and %u see group %u differently",
				       first->number, i, number);
			return false;
		}
		first = phone;
		epoch = group->drops[0].epoch;
		members = members_of(phone, group);
	}
	if (in != members)
		(void)snprintf(what, room, "group %u has %llx, and %llx are in it", number,
			       (unsigned long long)members, (unsigned long long)in);
	return in == members;
}

/* Nothing of a phone's waits for anybody. */
static bool outbox_empty(const struct sim_phone *phone, char *what, size_t room)
{
	list_for_each (element, following, &phone->talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		list_for_each (item, next, &group->outbox) {
			const struct talk_out *out = CONTAINER_OF(item, struct talk_out, list);

			if (out->transient)
				continue;
			(void)snprintf(what, room, "phone %u: something of kind %u waits",
				       phone->number, out->type);
			return false;
		}
	}
	return true;
}

bool sim_group_quiet(struct sim_world *world, char *what, size_t room)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (stays(&world->phones[i]) && !outbox_empty(&world->phones[i], what, room))
			return false;
	}
	for (uint32_t i = 0; i < world->group_count && world->phone_count <= 64; i++) {
		if (!group_together(world, i, what, room))
			return false;
	}
	return true;
}

/* ---- Messages, as each phone has them ---- */

struct version {
	uint32_t phone;
	bool known;
	uint8_t hash[WIRE_HASH_LEN];
};

struct versions {
	struct sim_phone *phone;
	struct version *first;	   /* by number of the text: what the first phone has */
	uint64_t *has;		   /* by number of the text: phones */
	struct talk_place *places; /* as its sender has it */
	bool *delivered;
};

/* It was not in the epoch where this stands, and has not asked for it. */
static bool of_before(const struct sim_phone *phone, const struct sim_text *text,
		      const struct talk_message *message)
{
	uint64_t members;

	if (message->handed)
		return !phone->asked;
	return text->from != phone->number && !phone->world->forked &&
	       sim_epoch_members(phone->world, message->place.group, message->place.epoch,
				 &members) &&
	       (members & sim_bit(phone->number)) == 0;
}

static enum sotto_err row_compare(void *context, uint64_t index, struct bytes value)
{
	struct versions *versions = context;
	struct sim_world *world = versions->phone->world;
	struct talk_message message;
	const struct sim_text *text;
	struct version *first;
	uint8_t hash[WIRE_HASH_LEN];
	struct hash state;
	uint64_t missed;
	size_t number;

	(void)index;
	if (talk_message_decode(value, &message) != SOTTO_OK || message.kind != TALK_ROW_TEXT)
		return SOTTO_OK;
	text = sim_text_by_id(world, message.id);
	if (text == NULL)
		return SOTTO_OK;
	number = (size_t)(text - world->texts);
	versions->has[number] |= sim_bit(versions->phone->number);
	if (of_before(versions->phone, text, &message))
		sim_break(world, "a device has of before only what was handed over",
			  "phone %u, text %zu", versions->phone->number, number);
	if (text->from == versions->phone->number) {
		versions->places[number] = message.place;
		versions->delivered[number] = message.state == TALK_MESSAGE_DELIVERED;
	}
	/*
	 * Who was out for a while may have missed an edit; and who is out does not say again what the relay has lost
	 * meanwhile.
	 */
	missed = sim_bit(versions->phone->number) |
		 (world->relay_lost ? sim_person_phones(world, world->phones[text->from].person)
				    : 0);
	if ((sim_epoch_left(world, message.place.group) & missed) != 0)
		return SOTTO_OK;
	hash_init(&state, HASH_SHA256);
	hash_update(&state, BYTES(&message.deleted, 1));
	hash_update(&state, message.text);
	hash_final(&state, hash);
	first = &versions->first[number];
	if (!first->known) {
		first->known = true;
		first->phone = versions->phone->number;
		memcpy(first->hash, hash, sizeof(hash));
	} else if (memcmp(first->hash, hash, sizeof(hash)) != 0) {
		sim_break(world, "all have the same words after all edits",
			  "phones %u and %u, text %zu", first->phone, versions->phone->number,
			  number);
	}
	return SOTTO_OK;
}

static void rows_compare(struct versions *versions)
{
	struct sim_phone *phone = versions->phone;
	struct talk_conversation conversation;
	size_t cursor = 0;

	while (talk_conversation_next(phone->talk, &cursor, &conversation)) {
		struct talk_owner owner;
		struct store_range range;

		if (talk_conversation_owner(phone->talk, &conversation, &owner) != SOTTO_OK)
			continue;
		range = STORE_RANGE_ALL(TALK_TABLE_MESSAGES, talk_owner_bytes(&owner));
		if (store_iterate(&phone->reader, &range, row_compare, versions) != SOTTO_OK)
			sim_break(phone->world, "every store can be read", "phone %u",
				  phone->number);
	}
}

/* What its sender holds for delivered is with all who were in the epoch where it stands, and still are. */
static void delivered_check(struct sim_world *world, const struct versions *versions, size_t number)
{
	const struct sim_text *text = &world->texts[number];
	uint64_t due, left;

	if (!versions->delivered[number] ||
	    !sim_epoch_members(world, versions->places[number].group,
			       versions->places[number].epoch, &due))
		return;
	left = sim_epoch_left(world, versions->places[number].group);
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (stays(&world->phones[i]) && (due & ~left & sim_bit(i)) != 0 &&
		    (versions->has[number] & sim_bit(i)) == 0)
			sim_break(world, "what is delivered is with every member of its epoch",
				  "text %zu of %u, phone %u", number, text->from, i);
	}
}

static void handed_check(struct sim_world *world, const struct versions *versions, size_t number)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (stays(&world->phones[i]) &&
		    (world->texts[number].handed & ~versions->has[number] & sim_bit(i)) != 0)
			sim_break(world, "what one device has handed over the other has",
				  "text %zu, phone %u", number, i);
	}
}

void sim_group_check_end(struct sim_world *world)
{
	struct versions versions = {0};
	size_t count = world->text_count + 1;

	versions.first = calloc(count, sizeof(*versions.first));
	versions.has = calloc(count, sizeof(*versions.has));
	versions.places = calloc(count, sizeof(*versions.places));
	versions.delivered = calloc(count, sizeof(*versions.delivered));
	ASSERT(versions.first != NULL && versions.has != NULL && versions.places != NULL &&
	       versions.delivered != NULL);
	for (uint32_t i = 0; i < world->phone_count && world->phone_count <= 64; i++) {
		struct talk_status status;

		versions.phone = &world->phones[i];
		if (!stays(versions.phone))
			continue;
		rows_compare(&versions);
		talk_status(versions.phone->talk, &status);
		world->totals.discarded += status.discarded;
	}
	for (size_t i = 0; i < world->text_count && world->phone_count <= 64; i++) {
		delivered_check(world, &versions, i);
		handed_check(world, &versions, i);
	}
	free(versions.first);
	free(versions.has);
	free(versions.places);
	free(versions.delivered);
}
