/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold whatever happens: checked with each request that leaves a phone, each event, after each step of a
 * phone, and every ten minutes over all phones. Each has a sentence that says what it is.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "mls/group.h"
#include "relay/limits.h"
#include "sim/world.h"
#include "talk/state.h"

#define AGREED_MIN   1024
#define SEALED_MAX   16
#define WITHHELD_NS  (5 * SIM_MINUTE)
#define REQUESTS_MAX 2000 /* of a phone within ten minutes; some hundred are many */
#define WAKES_MAX    400  /* by its own timer within ten minutes; some ten are usual */

/* What all phones must have alike: named by a hash, a hash. */
struct agreed {
	uint8_t name[WIRE_HASH_LEN];
	uint8_t value[WIRE_HASH_LEN];
	uint32_t phone;	 /* the first that had it */
	uint64_t phones; /* all that did: sim_bit */
	bool used;
};

struct sim_checks {
	struct agreed *agreed;
	size_t size, count;
};

struct sim_checks *sim_checks_create(void)
{
	struct sim_checks *checks = calloc(1, sizeof(*checks));

	ASSERT(checks != NULL);
	checks->size = AGREED_MIN;
	checks->agreed = calloc(checks->size, sizeof(*checks->agreed));
	ASSERT(checks->agreed != NULL);
	return checks;
}

void sim_checks_destroy(struct sim_checks *checks)
{
	if (checks == NULL)
		return;
	free(checks->agreed);
	free(checks);
}

void sim_break(struct sim_world *world, const char *invariant, const char *format, ...)
{
	uint64_t now_ms = sim_world_now(world) / SIM_MILLISECOND;
	va_list arguments;

	if (world->broken != NULL)
		return;
	world->broken = invariant;
	printf("broken at %llu.%03u s: %s: ", (unsigned long long)(now_ms / 1000),
	       (unsigned int)(now_ms % 1000), invariant);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

static struct agreed *agreed_find(struct agreed *table, size_t size, const uint8_t *name)
{
	size_t place;

	memcpy(&place, name, sizeof(place));
	for (place &= size - 1; table[place].used; place = (place + 1) & (size - 1)) {
		if (memcmp(table[place].name, name, WIRE_HASH_LEN) == 0)
			break;
	}
	return &table[place];
}

static void agreed_grow(struct sim_checks *checks)
{
	size_t size = 2 * checks->size;
	struct agreed *larger = calloc(size, sizeof(*larger));

	ASSERT(larger != NULL);
	for (size_t i = 0; i < checks->size; i++) {
		if (checks->agreed[i].used)
			*agreed_find(larger, size, checks->agreed[i].name) = checks->agreed[i];
	}
	free(checks->agreed);
	checks->agreed = larger;
	checks->size = size;
}

/* The first phone to have it says what it is; false: this one has another. other: who was first. */
static bool agrees(struct sim_phone *phone, struct bytes name, const uint8_t *value,
		   uint32_t *other)
{
	struct sim_checks *checks = phone->world->checks;
	uint8_t hashed[WIRE_HASH_LEN];
	struct agreed *agreed;

	if (2 * checks->count >= checks->size)
		agreed_grow(checks);
	hash_digest(HASH_SHA256, name, hashed);
	agreed = agreed_find(checks->agreed, checks->size, hashed);
	if (!agreed->used) {
		memcpy(agreed->name, hashed, sizeof(hashed));
		memcpy(agreed->value, value, WIRE_HASH_LEN);
		agreed->phone = phone->number;
		agreed->phones = sim_bit(phone->number);
		agreed->used = true;
		checks->count++;
		return true;
	}
	*other = agreed->phone;
	if (memcmp(agreed->value, value, WIRE_HASH_LEN) != 0)
		return false;
	agreed->phones |= sim_bit(phone->number);
	return true;
}

/*
 * Only phones had it that are out or lie in a river, and the relay has lost records: nobody who is left can know of it, and
 * this phone says what it is.
 */
static bool agrees_anew(struct sim_phone *phone, struct bytes name, const uint8_t *value)
{
	struct sim_world *world = phone->world;
	uint8_t hashed[WIRE_HASH_LEN];
	struct agreed *agreed;

	if (!world->relay_lost || world->phone_count > 64)
		return false;
	hash_digest(HASH_SHA256, name, hashed);
	agreed = agreed_find(world->checks->agreed, world->checks->size, hashed);
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if ((agreed->phones & sim_bit(i)) != 0 && world->phones[i].revoked_ns == 0 &&
		    world->phones[i].state != SIM_PHONE_LOST)
			return false;
	}
	memcpy(agreed->value, value, WIRE_HASH_LEN);
	agreed->phone = phone->number;
	agreed->phones = sim_bit(phone->number);
	return true;
}

/* ---- What leaves a phone ---- */

static bool group_clean(const struct talk *talk, const struct talk_group *group)
{
	struct mls_member member;
	uint32_t cursor = 0;

	while (mls_group_next_member(group->mls, &cursor, &member)) {
		if (!ledger_allows_leaf(talk->ledger, member.signature_key.data,
					group->kind != TALK_EVERYONE))
			return false;
	}
	return true;
}

static bool is_of(const struct talk_records *records, struct bytes sealed)
{
	for (size_t i = 0; i < records->count; i++) {
		if (bytes_equal(talk_blob_bytes(&records->items[i]), sealed))
			return true;
	}
	return false;
}

/*
 * What is sent again is what was sent, but where the recipient has something later and not this: requests overtake
 * each other, so that it may still be on its way then, and it is sealed once more.
 */
static void check_sealed(struct sim_phone *phone, const struct talk_group *group,
			 struct bytes sealed)
{
	list_for_each (element, following, &group->outbox) {
		const struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);
		uint8_t name[4 + 6 * sizeof(uint64_t)] = "seal", hash[WIRE_HASH_LEN];
		uint64_t parts[6] = {phone->number, group->number, out->number, out->epoch};
		uint32_t other;

		while (parts[4] < out->records.count &&
		       !bytes_equal(talk_blob_bytes(&out->records.items[parts[4]]), sealed))
			parts[4]++;
		if (out->transient || parts[4] == out->records.count)
			continue;
		hash_digest(HASH_SHA256, sealed, hash);
		for (; parts[5] < SEALED_MAX; parts[5]++) {
			memcpy(name + 4, parts, sizeof(parts));
			if (agrees(phone, BYTES_OF(name), hash, &other))
				return;
		}
		sim_break(phone->world, "a message is sealed once for an epoch, or few times",
			  "phone %u, number %llu", phone->number, (unsigned long long)out->number);
	}
}

/* A way in that was there when no commit was on its way is an earlier one's, which has won. */
static bool parcel_won(struct sim_phone *phone, const struct talk_sent_parcel *sent, bool now)
{
	static const uint8_t won[WIRE_HASH_LEN] = {1}, not_yet[WIRE_HASH_LEN] = {0};
	uint8_t name[4 + 2 * sizeof(uint64_t)] = "way";
	uint64_t parts[2] = {phone->number, sent->number};
	uint32_t other;

	memcpy(name + 4, parts, sizeof(parts));
	return agrees(phone, BYTES_OF(name), now ? won : not_yet, &other) == now;
}

static void parcels_note(struct sim_phone *phone)
{
	list_for_each (element, following, &phone->talk->parcels) {
		const struct talk_sent_parcel *sent =
			CONTAINER_OF(element, struct talk_sent_parcel, list);
		const struct talk_group *group = talk_group_by_number(phone->talk, sent->group);

		if (group != NULL && group->pending.count == 0)
			(void)parcel_won(phone, sent, true);
	}
}

/* Whom a commit of ours adds hears of it when it is the winner. */
static void check_welcome(struct sim_phone *phone, struct bytes sealed)
{
	list_for_each (element, following, &phone->talk->parcels) {
		const struct talk_sent_parcel *sent =
			CONTAINER_OF(element, struct talk_sent_parcel, list);
		const struct talk_group *group = talk_group_by_number(phone->talk, sent->group);

		if (group == NULL || group->pending.count == 0 || !is_of(&sent->records, sealed) ||
		    parcel_won(phone, sent, false))
			continue;
		for (size_t i = 0; i < group->welcomed_count; i++) {
			if (memcmp(group->welcomed[i].key, sent->device_key, LEDGER_KEY_LEN) == 0)
				sim_break(phone->world, "a Welcome leaves when its commit has won",
					  "phone %u", phone->number);
		}
	}
}

static void check_readers(struct sim_phone *phone, const uint8_t *name, struct bytes sealed)
{
	struct talk_group *group;
	const struct talk_drop *drop = talk_drop_find(phone->talk, name, &group);

	if (group != NULL)
		check_sealed(phone, group, sealed);
	else
		check_welcome(phone, sealed);

	/* Commits, which take the removed ones out, go to where these still read; nothing else does. */
	if (group == NULL || drop != &group->drops[0] || is_of(&group->pending, sealed) ||
	    is_of(&drop->commit, sealed))
		return;
	if (!group_clean(phone->talk, group))
		sim_break(phone->world,
			  "a phone that has seen a removal sends nothing that the removed can read",
			  "phone %u", phone->number);
}

void sim_check_request(struct sim_phone *phone, struct bytes request)
{
	uint8_t append_hash[WIRE_HASH_LEN], name[WIRE_HASH_LEN];
	struct sim_frames_counts counts;
	struct wire_append append;
	struct wire_cursor cursor;
	struct wire_record record;
	uint64_t fail_left = phone->fail_left;

	if (wire_identify(WIRE_FAMILY_RELAY, request) != &wire_append_type ||
	    wire_append_decode(request, &append) != SOTTO_OK)
		return;
	/* Whoever looks does not run out of the phone's memory. */
	phone->fail_left = UINT64_MAX;
	sim_frames_sent(phone->world->frames, phone->talk, request);
	counts = sim_frames_counts(phone->world->frames);
	if (counts.nonces_reused != 0)
		sim_break(phone->world, "no nonce seals two records", "phone %u", phone->number);
	if (counts.generations_reused != 0)
		sim_break(phone->world, "no key and counter seal two messages", "phone %u",
			  phone->number);
	wire_append_token_hash(append.append_token, append_hash);
	wire_drop_name(append.flags, append_hash, append.read_token_hash, name);
	cursor = wire_list_walk(&append.records);
	while (wire_record_next(&cursor, &record)) {
		check_readers(phone, name, record.sealed);
		sim_thief_sees(phone->world->thief, phone, name, record.sealed);
	}
	phone->fail_left = fail_left;
}

/* ---- What a phone tells ---- */

struct sim_text *sim_text_by_id(struct sim_world *world, const uint8_t *id)
{
	/* The newest are asked for most. */
	for (size_t i = world->text_count; i > 0; i--) {
		if (memcmp(world->texts[i - 1].id, id, TALK_MESSAGE_ID_LEN) == 0)
			return &world->texts[i - 1];
	}
	return NULL;
}

/* Behind the commit that took its sender out? */
static bool behind_removal(struct sim_phone *phone, const struct sim_text *text,
			   const struct talk_place *place)
{
	const struct talk_group *group = talk_group_by_id(phone->talk, place->group);
	uint64_t members;

	if (group == NULL ||
	    !sim_epoch_members(phone->world, place->group, place->epoch + 1, &members) ||
	    (members & sim_bit(text->from)) != 0)
		return false;
	for (size_t i = 0; i < group->drop_count; i++) {
		const struct talk_drop *drop = &group->drops[i];

		if (drop->epoch == place->epoch && drop->incarnations == place->incarnation)
			return drop->winner != 0 && place->sequence > drop->winner;
	}
	return false;
}

/* Both were in that epoch. */
static bool was_there(const struct sim_phone *phone, const struct sim_text *text,
		      const struct talk_event *event)
{
	const struct sim_world *world = phone->world;
	uint64_t members;

	return world->phone_count > 64 || world->forked ||
	       (sim_epoch_members(world, event->message.place.group, event->message.place.epoch,
				  &members) &&
		(members & sim_bit(phone->number)) != 0 && (members & sim_bit(text->from)) != 0);
}

/* To whom it was written: the other phones of one or two people, or those of a group. */
static bool meant_for(const struct sim_phone *phone, const struct sim_text *text,
		      const struct talk_event *event)
{
	const struct sim_world *world = phone->world;

	if (text->to != UINT32_MAX)
		return (text->to == phone->person ||
			world->phones[text->from].person == phone->person) &&
		       event->conversation.kind == TALK_DIRECT && was_there(phone, text, event);
	if (event->conversation.kind != TALK_GROUP ||
	    memcmp(event->conversation.id, world->groups[text->group].id,
		   TALK_CONVERSATION_ID_LEN) != 0)
		return false;
	return was_there(phone, text, event);
}

static void text_came(struct sim_phone *phone, const struct talk_event *event)
{
	struct sim_world *world = phone->world;
	struct sim_text *text = sim_text_by_id(world, event->message.id);

	if (text == NULL || !meant_for(phone, text, event) ||
	    event->message.from != sim_world_extension(world, world->phones[text->from].person)) {
		sim_break(world, "a text is what its sender wrote, to whom he wrote it",
			  "phone %u from %u", phone->number, event->message.from);
		return;
	}
	sim_trace(world, "%u gets %zu", phone->number, (size_t)(text - world->texts));
	if (text->ledger > phone->heard && text->ledger > ledger_length(talk_ledger(phone->talk))) {
		phone->heard = text->ledger;
		phone->heard_ns = phone->heard_ns == 0 ? sim_world_now(world) : phone->heard_ns;
	}
	if ((text->told & sim_bit(phone->number)) != 0 && world->phone_count <= 64)
		sim_break(world, "a text is told once", "phone %u, text %zu", phone->number,
			  (size_t)(text - world->texts));
	text->told |= sim_bit(phone->number);
	text->told_ns[phone->number % 64] = sim_world_now(world);
	if (event->row <= phone->text_row)
		sim_break(world, "a text that comes stands behind those that came before",
			  "phone %u, text %zu", phone->number, (size_t)(text - world->texts));
	if (behind_removal(phone, text, &event->message.place))
		sim_break(world, "no text counts behind the removal of its sender",
			  "phone %u, text %zu", phone->number, (size_t)(text - world->texts));
	if (phone->locked)
		sim_break(world, "a locked phone tells no text", "phone %u", phone->number);
	phone->text_row = event->row;
}

static void text_delivered(struct sim_phone *phone, const uint8_t *id)
{
	struct sim_text *text = sim_text_by_id(phone->world, id);

	if (text != NULL && text->from == phone->number)
		text->delivered_ns = sim_world_now(phone->world);
}

void sim_check_event(struct sim_phone *phone, const struct talk_event *event)
{
	if (event->type == TALK_EVENT_MESSAGE_STATE &&
	    event->message_state == TALK_MESSAGE_DELIVERED)
		text_delivered(phone, event->message_id);
	if (event->type == TALK_EVENT_MESSAGE && event->message.kind == TALK_ROW_TEXT)
		text_came(phone, event);
}

/* ---- After each step ---- */

static void check_epoch(struct sim_phone *phone, const struct talk_group *group)
{
	uint64_t epoch = group->mls->epoch->number;
	size_t place = group->number % SIM_COMPARED;
	uint8_t name[TALK_GROUP_ID_LEN + sizeof(epoch)];
	uint8_t full[MLS_HASH_LEN_MAX], value[WIRE_HASH_LEN];
	uint32_t other = 0;

	if (phone->compared[place].group == group->number && phone->compared[place].epoch == epoch)
		return;
	phone->compared[place].group = group->number;
	phone->compared[place].epoch = epoch;
	sim_epoch_note(phone, group, epoch);
	memcpy(name, group->id, TALK_GROUP_ID_LEN);
	memcpy(name + TALK_GROUP_ID_LEN, &epoch, sizeof(epoch));
	mls_group_epoch_authenticator(group->mls, full);
	memcpy(value, full, sizeof(value));
	if (!agrees(phone, BYTES_OF(name), value, &other) && !phone->world->forked &&
	    !agrees_anew(phone, BYTES_OF(name), value))
		sim_break(phone->world, "all of an epoch have one epoch authenticator",
			  "phones %u and %u, kind %d, epoch %llu", phone->number, other,
			  (int)group->kind, (unsigned long long)epoch);
	/* Who was removed knows the tokens of before. */
	hash_digest(HASH_SHA256, BYTES_OF(name), value);
	if (phone->world->forked)
		return;
	if (!agrees(phone, BYTES_OF(group->drops[0].append_token), value, &other) ||
	    !agrees(phone, BYTES_OF(group->drops[0].read_token), value, &other))
		sim_break(phone->world, "no two epochs have a token in common",
			  "phones %u and %u, kind %d, epoch %llu", phone->number, other,
			  (int)group->kind, (unsigned long long)epoch);
}

static void check_limits(struct sim_phone *phone, const struct talk_group *group, size_t *texts)
{
	list_for_each (element, following, &group->outbox)
		(*texts)++;
	if (group->drop_count > TALK_DROPS_MAX || group->arrived_count > TALK_SENDERS_MAX)
		sim_break(phone->world, "every table stays within its limit",
			  "phone %u: %zu drops, %zu senders", phone->number, group->drop_count,
			  group->arrived_count);
	for (size_t i = 0; i < group->drop_count; i++) {
		if (group->drops[i].own_count > TALK_OWN_MAX)
			sim_break(phone->world, "every table stays within its limit",
				  "phone %u: %zu own records", phone->number,
				  group->drops[i].own_count);
	}
}

/* Never under a relay that is honest. */
#define ACCUSATIONS \
	(UINT32_C(1) << TALK_PROBLEM_FORKED | UINT32_C(1) << TALK_PROBLEM_WITHHELD | \
	 UINT32_C(1) << TALK_PROBLEM_CONTRADICTION | UINT32_C(1) << TALK_PROBLEM_BRANCHED | \
	 UINT32_C(1) << TALK_PROBLEM_BAD_RELAY | UINT32_C(1) << TALK_PROBLEM_OLD | \
	 UINT32_C(1) << TALK_PROBLEM_STUCK)

static bool misbehaved(const struct sim_world *world, const uint8_t *key)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		const struct sim_phone *phone = &world->phones[i];

		if (phone->misbehaved && memcmp(phone->rogue_key, key, LEDGER_KEY_LEN) == 0)
			return true;
	}
	return false;
}

/*
 * What this phone says is wrong, without what is: that it cannot follow somebody who saw to that. By the key: whose it is
 * may stand where its ledger has not got yet.
 */
static uint32_t accusations(const struct sim_phone *phone, const struct talk_status *status)
{
	uint32_t stuck = UINT32_C(1) << TALK_PROBLEM_STUCK;

	list_for_each (element, following, &phone->talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (group->stuck == TALK_STUCK_COMMIT &&
		    !misbehaved(phone->world, group->stuck_author))
			return status->problems & ACCUSATIONS;
	}
	return status->problems & ACCUSATIONS & ~stuck;
}

void sim_check_epochs(struct sim_phone *phone)
{
	memcpy(phone->key, phone->talk->identity.public_key, LEDGER_KEY_LEN);
	list_for_each (element, following, &phone->talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		if (mls_group_active(group->mls))
			check_epoch(phone, group);
	}
}

void sim_check_step(struct sim_phone *phone)
{
	struct sim_world *world = phone->world;
	const struct talk *talk = phone->talk;
	struct talk_status status;
	size_t waiting = 0;

	talk_status(talk, &status);
	if (status.state == TALK_MEMBER && !phone->was_member) {
		phone->was_member = true;
		world->totals.joins += phone->person == phone->number;
		world->totals.devices += phone->person != phone->number;
	}
	if (!world->relay_lied && accusations(phone, &status) != 0)
		sim_break(world, "nobody is accused who is honest", "phone %u: problems %x",
			  phone->number, status.problems);
	if (status.state == TALK_COPIED)
		sim_break(world, "no phone takes itself for a copy", "phone %u", phone->number);
	if (status.state == TALK_REVOKED && phone->revoked_ns == 0)
		sim_break(world, "nobody is out whom no admin took out", "phone %u", phone->number);
	parcels_note(phone);
	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);

		check_limits(phone, group, &waiting);
	}
	if (talk->asked_count > TALK_REQUESTS_MAX || waiting > 2 * TALK_OUTBOX_MAX)
		sim_break(world, "every queue stays within its limit",
			  "phone %u: %zu requests, %zu messages", phone->number, talk->asked_count,
			  waiting);
}

/* ---- From time to time ---- */

static void check_ledger(struct sim_phone *phone)
{
	const struct ledger *ledger = talk_ledger(phone->talk);
	uint64_t length = ledger_length(ledger);
	uint8_t name[8 + sizeof(length)] = "ledger";
	uint32_t other = 0;

	const uint8_t *head = ledger_head(ledger, phone->same_length);

	/* Of another one, after a restart, all is looked at again. */
	if (head == NULL || memcmp(head, phone->same_head, LEDGER_HASH_LEN) != 0)
		phone->same_length = 0;
	for (uint64_t i = phone->same_length + 1; i <= length; i++) {
		memcpy(name + 8, &i, sizeof(i));
		if (!agrees(phone, BYTES_OF(name), ledger_head(ledger, i), &other))
			sim_break(phone->world, "all have one ledger",
				  "phones %u and %u, length %llu", phone->number, other,
				  (unsigned long long)i);
	}
	if (length == 0)
		return;
	phone->same_length = length;
	memcpy(phone->same_head, ledger_head(ledger, length), LEDGER_HASH_LEN);
}

/* Who is shown an old ledger, and has heard of a newer one, says so after a minute of looking. */
static void check_withheld(struct sim_phone *phone)
{
	struct sim_world *world = phone->world;
	struct talk_status status;

	talk_status(phone->talk, &status);
	if (phone->heard_ns != 0 && ledger_length(talk_ledger(phone->talk)) >= phone->heard)
		phone->heard_ns = 0;
	if (phone->heard_ns == 0 || world->lie != SIM_LIE_FREEZE || !sim_line_up(phone->line) ||
	    phone->up_ns == 0 || sim_world_now(world) < phone->up_ns + WITHHELD_NS ||
	    sim_world_now(world) < phone->heard_ns + WITHHELD_NS)
		return;
	if ((status.problems & UINT32_C(1) << TALK_PROBLEM_WITHHELD) == 0)
		sim_break(world, "who is shown an old ledger says so", "phone %u: %llu of %llu",
			  phone->number,
			  (unsigned long long)ledger_length(talk_ledger(phone->talk)),
			  (unsigned long long)phone->heard);
}

void sim_check_world(struct sim_world *world)
{
	uint64_t drops, records, bytes;

	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct sim_phone *phone = &world->phones[i];

		if (phone->talk != NULL && !world->forked)
			check_ledger(phone);
		if (phone->talk != NULL)
			check_withheld(phone);
		if (phone->requests > REQUESTS_MAX)
			sim_break(world, "nobody is busy without end",
				  "phone %u: %llu requests within ten minutes", phone->number,
				  (unsigned long long)phone->requests);
		if (phone->wakes > WAKES_MAX)
			sim_break(world, "nobody wakes up for nothing",
				  "phone %u: %llu times within ten minutes", phone->number,
				  (unsigned long long)phone->wakes);
		phone->requests = phone->wakes = 0;
		if (phone->was_member && phone->state != SIM_PHONE_LOST && phone->revoked_ns == 0)
			world->totals.phone_ns += world->checked_ns;
	}
	sim_relay_size(world->relay, &drops, &records, &bytes);
	if (drops > RELAY_DROPS_MAX || bytes > RELAY_DISK_MAX)
		sim_break(world, "the relay stays within its limits", "%llu drops, %llu bytes",
			  (unsigned long long)drops, (unsigned long long)bytes);
}
