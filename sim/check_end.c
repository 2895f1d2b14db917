/* SPDX-License-Identifier: Apache-2.0 */
/* When nothing happens any more: what everybody must have then, by what stands in the stores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "sim/world.h"
#include "talk/state.h"

static bool text_due(const struct sim_world *world, const struct sim_text *text)
{
	return text->sure && text->to != UINT32_MAX &&
	       sim_phone_stays(&world->phones[text->from]) && sim_person_stays(world, text->to);
}

/* What may be shown when all is well, and what of a relay that lied: nothing of it stops a phone. */
#define HONEST (UINT32_C(1) << TALK_PROBLEM_ONE_PERSON | UINT32_C(1) << TALK_PROBLEM_LOST)
#define ACCUSED \
	(UINT32_C(1) << TALK_PROBLEM_CONTRADICTION | UINT32_C(1) << TALK_PROBLEM_BRANCHED | \
	 UINT32_C(1) << TALK_PROBLEM_WITHHELD)

static bool phone_quiet(const struct sim_phone *phone, char *what, size_t room)
{
	struct talk_status status;

	if (phone->talk == NULL) {
		(void)snprintf(what, room, "phone %u is off", phone->number);
		return false;
	}
	talk_status(phone->talk, &status);
	if (status.state != TALK_MEMBER) {
		(void)snprintf(what, room, "phone %u is in state %d", phone->number,
			       (int)status.state);
		return false;
	}
	/* What it lost is said until the next link, what is wrong with the relay for good. */
	if ((status.problems & ~(phone->world->relay_lied ? HONEST | ACCUSED : HONEST)) != 0) {
		(void)snprintf(what, room, "phone %u has problems %x", phone->number,
			       status.problems);
		return false;
	}
	if (status.queued != 0 || status.unacknowledged != 0) {
		(void)snprintf(what, room, "phone %u: %u texts queued, %u not acknowledged",
			       phone->number, status.queued, status.unacknowledged);
		return false;
	}
	return true;
}

uint64_t sim_check_epoch(const struct sim_phone *phone)
{
	struct mls_context context;

	mls_group_context(phone->talk->everyone->mls, &context);
	return context.epoch;
}

/* All have the longest ledger, and are in the newest epoch of *everyone*. */
static bool together(struct sim_world *world, char *what, size_t room)
{
	uint64_t length = 0, epoch = 0;

	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct sim_phone *phone = &world->phones[i];

		if (!sim_phone_stays(phone))
			continue;
		if (length != 0 && (ledger_length(talk_ledger(phone->talk)) != length ||
				    sim_check_epoch(phone) != epoch)) {
			(void)snprintf(what, room, "phone %u has another ledger or epoch", i);
			return false;
		}
		length = ledger_length(talk_ledger(phone->talk));
		epoch = sim_check_epoch(phone);
	}
	return true;
}

/* Of any group that two of them are in: where they are in one epoch it is the same. */
static bool epochs_equal(const struct sim_phone *left, const struct sim_phone *right)
{
	list_for_each (element, following, &left->talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);
		const struct talk_group *other = talk_group_by_id(right->talk, group->id);
		uint8_t ours[MLS_HASH_LEN_MAX], theirs[MLS_HASH_LEN_MAX];

		if (other == NULL || talk_group_over(group) || talk_group_over(other) ||
		    group->drops[0].epoch != other->drops[0].epoch)
			continue;
		mls_group_epoch_authenticator(group->mls, ours);
		mls_group_epoch_authenticator(other->mls, theirs);
		if (memcmp(ours, theirs, LEDGER_HASH_LEN) != 0)
			return false;
	}
	return true;
}

static bool epochs_one(const struct sim_world *world, char *what, size_t room)
{
	for (uint32_t a = 0; world->forked && a < world->phone_count; a++) {
		for (uint32_t b = a + 1; b < world->phone_count; b++) {
			if (!sim_phone_stays(&world->phones[a]) ||
			    !sim_phone_stays(&world->phones[b]) ||
			    epochs_equal(&world->phones[a], &world->phones[b]))
				continue;
			(void)snprintf(what, room, "phones %u and %u have two histories", a, b);
			return false;
		}
	}
	return true;
}

bool sim_check_ledgers(const struct sim_world *world)
{
	const struct ledger *first = NULL;

	for (uint32_t i = 0; i < world->phone_count; i++) {
		const struct ledger *ledger;
		uint64_t length;

		if (!sim_phone_stays(&world->phones[i]) || world->phones[i].talk == NULL)
			continue;
		ledger = talk_ledger(world->phones[i].talk);
		if (first == NULL)
			first = ledger;
		length = ledger_length(ledger) < ledger_length(first) ? ledger_length(ledger)
								      : ledger_length(first);
		if (memcmp(ledger_head(ledger, length), ledger_head(first, length),
			   LEDGER_HASH_LEN) != 0)
			return true;
		/* The longest: of each that has its beginning. */
		if (ledger_length(ledger) > ledger_length(first))
			first = ledger;
	}
	return false;
}

bool sim_check_noticed(const struct sim_world *world)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct talk_status status;

		if (world->phones[i].talk == NULL)
			continue;
		talk_status(world->phones[i].talk, &status);
		if ((status.problems & (UINT32_C(1) << TALK_PROBLEM_FORKED |
					UINT32_C(1) << TALK_PROBLEM_CONTRADICTION |
					UINT32_C(1) << TALK_PROBLEM_BRANCHED |
					UINT32_C(1) << TALK_PROBLEM_WITHHELD)) != 0)
			return true;
	}
	return false;
}

/* A phone that is gone may have had it while it was locked, and then nobody was told. */
static bool told_or_gone(const struct sim_world *world, const struct sim_text *text)
{
	if ((text->told & sim_person_phones(world, text->to)) != 0)
		return true;
	for (uint32_t i = 0; i < world->phone_count && text->delivered_ns != 0; i++) {
		const struct sim_phone *phone = &world->phones[i];

		if (phone->person == text->to && phone->was_member && !sim_phone_stays(phone))
			return true;
	}
	return false;
}

bool sim_check_quiet(struct sim_world *world, char *what, size_t room)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		const struct sim_phone *phone = &world->phones[i];

		if (sim_phone_stays(phone) && !phone_quiet(phone, what, room))
			return false;
		/* Who has typed a card in comes in, unless the admin has second thoughts. */
		if (phone->state == SIM_PHONE_JOINED && !phone->was_member &&
		    phone->revoked_ns == 0) {
			(void)snprintf(what, room, "phone %u waits to be let in", i);
			return false;
		}
	}
	if (!together(world, what, room) || !epochs_one(world, what, room))
		return false;
	if (!sim_group_quiet(world, what, room) || !sim_histories_quiet(world, what, room))
		return false;
	for (size_t i = 0; i < world->text_count; i++) {
		if (text_due(world, &world->texts[i]) && !world->texts[i].taken_back &&
		    !told_or_gone(world, &world->texts[i])) {
			(void)snprintf(what, room, "text %zu of %u has not come to %u", i,
				       world->texts[i].from, world->texts[i].to);
			return false;
		}
	}
	return true;
}

struct reading {
	struct sim_phone *phone;
	/* By number of the text: with whom it stands, sim_bit; whether who wrote it holds it for delivered, and where it stands. */
	uint64_t *received;
	bool *delivered;
	struct talk_place *places;
};

static enum sotto_err row_read(void *context, uint64_t index, struct bytes value)
{
	struct reading *reading = context;
	struct sim_world *world = reading->phone->world;
	struct talk_message message;
	const struct sim_text *text;
	size_t number;

	(void)index;
	if (talk_message_decode(value, &message) != SOTTO_OK) {
		sim_break(world, "every row of a message can be read", "phone %u",
			  reading->phone->number);
		return SOTTO_OK;
	}
	if (message.kind != TALK_ROW_TEXT)
		return SOTTO_OK;
	text = sim_text_by_id(world, message.id);
	if (text == NULL) {
		sim_break(world, "every text in a store was written by somebody", "phone %u",
			  reading->phone->number);
		return SOTTO_OK;
	}
	if (text->to == UINT32_MAX)
		return SOTTO_OK;
	number = (size_t)(text - world->texts);
	if ((reading->received[number] & sim_bit(reading->phone->number)) != 0)
		sim_break(world, "what arrives is there once", "text %zu of %u, phone %u", number,
			  text->from, reading->phone->number);
	reading->received[number] |= sim_bit(reading->phone->number);
	if (text->from == reading->phone->number) {
		reading->delivered[number] = message.state == TALK_MESSAGE_DELIVERED;
		reading->places[number] = message.place;
	}
	return SOTTO_OK;
}

static void phone_read(struct reading *reading)
{
	struct sim_phone *phone = reading->phone;
	struct talk_conversation conversation;
	size_t cursor = 0;

	while (talk_conversation_next(phone->talk, &cursor, &conversation)) {
		struct talk_owner owner;
		struct store_range range;
		enum sotto_err err = talk_conversation_owner(phone->talk, &conversation, &owner);

		range = STORE_RANGE_ALL(TALK_TABLE_MESSAGES, talk_owner_bytes(&owner));
		if (err == SOTTO_OK)
			err = store_iterate(&phone->reader, &range, row_read, reading);
		if (err != SOTTO_OK)
			sim_break(phone->world, "every store can be read", "phone %u: %s",
				  phone->number, sotto_err_text(err));
	}
}

/* What this phone has of its conversation with another one, in order; false: nothing. */
static bool history_of(struct sim_phone *phone, uint32_t peer, struct talk_history *history)
{
	struct talk_conversation conversation = talk_with(sim_world_extension(phone->world, peer));
	struct talk_owner owner;

	if (talk_conversation_owner(phone->talk, &conversation, &owner) != SOTTO_OK)
		return false;
	if (talk_history_read(&phone->reader, &owner, 0, history) != SOTTO_OK) {
		sim_break(phone->world, "every store can be read", "phone %u", phone->number);
		return false;
	}
	return true;
}

/* When it was there, for this phone: its sender learned that it had arrived, or it was told here. 0: never. */
static uint64_t came_ns(const struct sim_text *text, uint32_t phone)
{
	return text->from == phone ? text->delivered_ns : text->told_ns[phone % 64];
}

/* To one of two phones, or from it. Of a person who has several it may be with another one long since. */
static bool on_its_way(const struct sim_text *text, uint32_t a, uint32_t b, uint64_t from_ns,
		       uint64_t to_ns)
{
	uint64_t a_ns = came_ns(text, a), b_ns = came_ns(text, b);

	return text->sent_ns <= to_ns &&
	       (a_ns == 0 || a_ns >= from_ns || b_ns == 0 || b_ns >= from_ns);
}

#define LATE_NS (10 * SIM_MINUTE)

/*
 * Was it on its way when the relay lost its records, or had two histories? Or written to somebody who was off then and
 * still, and had to be brought back? Then it stands where whoever reads it finds it again. Or was the device that wrote it
 * taken out just then? What it had on its way came behind the end of an epoch, and once more in the next one: some read both.
 */
static bool around_loss(struct sim_world *world, const uint8_t *id, uint32_t a, uint32_t b)
{
	const struct sim_text *text = sim_text_by_id(world, id);
	const struct sim_phone *from;

	if (text == NULL)
		return false;
	from = &world->phones[text->from];
	if (from->revoked_ns != 0 && on_its_way(text, a, b, from->revoked_ns, UINT64_MAX))
		return true;
	for (size_t i = 0; i < world->loss_count; i++) {
		uint64_t loss_ns = world->losses_ns[i];

		if (on_its_way(text, a, b, loss_ns, loss_ns) ||
		    (text->sent_ns > loss_ns &&
		     on_its_way(text, a, b, text->sent_ns + LATE_NS + 1, UINT64_MAX)))
			return true;
	}
	return world->forked && on_its_way(text, a, b, world->forked_ns, world->healed_ns);
}

/*
 * It came to a device that was not in the epoch where it stands for the other one, when it was sealed again: the device came later,
 * or by a second Welcome, as who sent the first one was out by then.
 */
static bool came_again(const struct sim_world *world, uint32_t a, const struct talk_place *at_a,
		       uint32_t b, const struct talk_place *at_b)
{
	const struct talk_place *first = at_a->epoch < at_b->epoch ? at_a : at_b;
	uint32_t later = first == at_a ? b : a;

	return at_a->epoch != at_b->epoch &&
	       memcmp(at_a->group, at_b->group, sizeof(at_a->group)) == 0 &&
	       (sim_epoch_there(world, first->group, first->epoch) & sim_bit(later)) == 0;
}

/* The texts that both have stand in the same order: with whom each has that conversation. */
static void order_check(struct sim_world *world, uint32_t a, uint32_t a_with, uint32_t b,
			uint32_t b_with)
{
	struct talk_history left = {0}, right = {0};
	size_t at = 0;

	if (!history_of(&world->phones[a], a_with, &left) ||
	    !history_of(&world->phones[b], b_with, &right))
		goto out;
	for (size_t i = 0; i < left.count; i++) {
		const uint8_t *id = left.rows[i].id;

		if (left.rows[i].verb != TALK_VERB_NONE || around_loss(world, id, a, b))
			continue;
		for (size_t k = 0; k < right.count; k++) {
			if (memcmp(right.rows[k].id, id, TALK_MESSAGE_ID_LEN) != 0 ||
			    came_again(world, a, &left.rows[i].place, b, &right.rows[k].place))
				continue;
			sim_trace(world,
				  "%u and %u: %zu is %zu, text %zu, epoch %llu, sequence %llu; "
				  "%llu, %llu",
				  a, b, i, k, (size_t)(sim_text_by_id(world, id) - world->texts),
				  (unsigned long long)left.rows[i].place.epoch,
				  (unsigned long long)left.rows[i].place.sequence,
				  (unsigned long long)right.rows[k].place.epoch,
				  (unsigned long long)right.rows[k].place.sequence);
			if (k < at)
				sim_break(world, "both have what they said in one order",
					  "phones %u and %u, message %zu of %zu", a, b, i,
					  left.count);
			at = k;
		}
	}
out:
	talk_history_release(&left);
	talk_history_release(&right);
}

static void orders_check(struct sim_world *world, uint32_t a, uint32_t b)
{
	uint32_t one = world->phones[a].person, other = world->phones[b].person;

	if (one != other) {
		order_check(world, a, other, b, one);
		return;
	}
	for (uint32_t i = 0; i < world->person_count; i++) {
		if (i != one)
			order_check(world, a, i, b, i);
	}
}

/* Of whom it was written to no phone is left but such as came after it. */
static bool all_later(const struct reading *reading, size_t number)
{
	const struct sim_world *world = reading->phone->world;
	const struct sim_text *text = &world->texts[number];
	const struct talk_place *place = &reading->places[number];
	uint64_t members;

	if (!sim_epoch_members(world, place->group, place->epoch, &members))
		return false;
	for (uint32_t i = 0; i < world->phone_count; i++) {
		if (world->phones[i].person == text->to && sim_phone_stays(&world->phones[i]) &&
		    (members & sim_bit(i)) != 0)
			return false;
	}
	return true;
}

void sim_check_end(struct sim_world *world)
{
	struct reading reading = {0};

	reading.received = calloc(world->text_count + 1, sizeof(*reading.received));
	reading.delivered = calloc(world->text_count + 1, sizeof(*reading.delivered));
	reading.places = calloc(world->text_count + 1, sizeof(*reading.places));
	ASSERT(reading.received != NULL && reading.delivered != NULL && reading.places != NULL);
	for (uint32_t i = 0; i < world->phone_count; i++) {
		reading.phone = &world->phones[i];
		if (reading.phone->talk != NULL)
			phone_read(&reading);
	}
	for (size_t i = 0; i < world->text_count; i++) {
		const struct sim_text *text = &world->texts[i];
		bool came = text->to != UINT32_MAX &&
			    (reading.received[i] & sim_person_phones(world, text->to)) != 0;

		if (!text_due(world, text) || (text->taken_back && !came))
			continue;
		if (!came && !(reading.delivered[i] && all_later(&reading, i)))
			sim_break(world, "what was written arrives", "text %zu of %u to %u", i,
				  text->from, text->to);
		if (!reading.delivered[i])
			sim_break(world, "who wrote it knows that it arrived",
				  "text %zu of %u to %u", i, text->from, text->to);
	}
	free(reading.received);
	free(reading.delivered);
	free(reading.places);
	sim_group_check_end(world);
	for (uint32_t a = 0; a < world->phone_count; a++) {
		for (uint32_t b = a + 1; b < world->phone_count; b++) {
			if (sim_phone_stays(&world->phones[a]) &&
			    sim_phone_stays(&world->phones[b]))
				orders_check(world, a, b);
		}
	}
}
