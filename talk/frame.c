/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every application message carries around its body: which ledger its sender has, which *everyone*,
 * what the relay signed for it. A receiver compares at once; that is how forks are found.
 */
#include <string.h>

#include "talk/hold.h"
#include "talk/policy.h"
#include "talk/problem.h"
#include "talk/state.h"

static void authenticator_of(const struct mls_group *mls, uint8_t *authenticator)
{
	uint8_t full[MLS_HASH_LEN_MAX];

	mls_group_epoch_authenticator(mls, full);
	memcpy(authenticator, full, TALK_AUTHENTICATOR_LEN);
}

static uint64_t oldest_serial(const struct talk_group *group)
{
	uint64_t oldest = group->serial + 1;

	list_for_each (element, following, &group->outbox) {
		const struct talk_out *out = CONTAINER_OF(element, struct talk_out, list);

		if (out->serial != 0 && out->serial < oldest)
			oldest = out->serial;
	}
	return oldest;
}

enum sotto_err talk_frame_encode(struct talk *talk, const struct talk_group *group,
				 const struct talk_out *out, struct talk_blob *frame)
{
	struct talk_frame made = {
		.version = TALK_VERSION,
		.type = out->type,
		.serial = out->serial,
		.oldest = oldest_serial(group),
		.sent_ms = out->sent_ms,
		.ledger_length = ledger_length(talk->ledger),
		.release = talk_own_release(talk),
		.relay = {.items = &group->word, .count = group->word_known ? 1 : 0},
		.body = talk_blob_bytes(&out->body),
	};
	struct mls_context context;

	memcpy(made.ledger_head, ledger_head(talk->ledger, made.ledger_length), LEDGER_HASH_LEN);
	mls_group_context(talk->everyone->mls, &context);
	made.everyone_epoch = context.epoch;
	authenticator_of(talk->everyone->mls, made.everyone_authenticator);
	return talk_encode(talk, &talk_frame_type, &made, frame);
}

static void behind_note(struct talk *talk, const struct talk_frame *frame)
{
	if (talk->behind_ns == 0)
		talk->behind_ns = talk->now_ns;
	if (talk->behind_length < frame->ledger_length)
		talk->behind_length = frame->ledger_length;
	if (talk->behind_epoch < frame->everyone_epoch)
		talk->behind_epoch = frame->everyone_epoch;
}

/* Equal length and another head: forked, at once. A longer one, or a later epoch: we are behind. */
static void ledgers_compare(struct talk *talk, const struct talk_frame *frame)
{
	const uint8_t *head = ledger_head(talk->ledger, frame->ledger_length);
	struct mls_context context;
	uint8_t authenticator[TALK_AUTHENTICATOR_LEN];

	if (head != NULL && memcmp(head, frame->ledger_head, LEDGER_HASH_LEN) != 0)
		talk_problem_set(talk, TALK_PROBLEM_FORKED, true);
	mls_group_context(talk->everyone->mls, &context);
	if (head == NULL || context.epoch < frame->everyone_epoch)
		behind_note(talk, frame);
	if (context.epoch != frame->everyone_epoch)
		return;
	authenticator_of(talk->everyone->mls, authenticator);
	if (memcmp(authenticator, frame->everyone_authenticator, sizeof(authenticator)) != 0)
		talk_fork_seen(talk);
}

struct talk_arrived *talk_arrived_from(struct talk *talk, struct talk_group *group,
				       const uint8_t *key)
{
	struct talk_arrived *arrived;

	for (size_t i = 0; i < group->arrived_count; i++) {
		if (memcmp(group->arrived[i].key, key, LEDGER_KEY_LEN) == 0)
			return &group->arrived[i];
	}
	if (group->arrived_count == TALK_SENDERS_MAX)
		return NULL;
	if (group->arrived_count == group->arrived_capacity) {
		size_t capacity = group->arrived_capacity == 0 ? 2 : 2 * group->arrived_capacity;
		struct talk_arrived *larger = talk_take(talk, capacity * sizeof(*larger));

		if (larger == NULL)
			return NULL;
		if (group->arrived_count > 0)
			memcpy(larger, group->arrived, group->arrived_count * sizeof(*larger));
		talk_give(talk, group->arrived, group->arrived_capacity * sizeof(*group->arrived));
		group->arrived = larger;
		group->arrived_capacity = capacity;
	}
	arrived = &group->arrived[group->arrived_count++];
	memset(arrived, 0, sizeof(*arrived));
	memcpy(arrived->key, key, LEDGER_KEY_LEN);
	return arrived;
}

/* The floor rises over what has arrived above it. */
static void arrived_settle(struct talk_arrived *arrived)
{
	uint32_t settled = 0;

	while (settled < arrived->above_count && arrived->above[settled] <= arrived->floor + 1) {
		if (arrived->above[settled] > arrived->floor)
			arrived->floor = arrived->above[settled];
		settled++;
	}
	memmove(arrived->above, arrived->above + settled,
		(arrived->above_count - settled) * sizeof(arrived->above[0]));
	arrived->above_count -= settled;
}

enum arrival { ARRIVAL_NEW, ARRIVAL_AGAIN, ARRIVAL_TOO_MANY_GAPS };

/* Each serial once, in whatever order they come. */
static enum arrival arrived_put(struct talk_arrived *arrived, uint64_t serial, uint64_t oldest)
{
	uint32_t place = 0;

	if (oldest > 0 && oldest <= serial && oldest - 1 > arrived->floor) {
		arrived->floor = oldest - 1;
		arrived_settle(arrived);
	}
	while (place < arrived->above_count && arrived->above[place] < serial)
		place++;
	if (serial <= arrived->floor ||
	    (place < arrived->above_count && arrived->above[place] == serial))
		return ARRIVAL_AGAIN;
	if (arrived->above_count == TALK_GAPS_MAX)
		return ARRIVAL_TOO_MANY_GAPS;
	memmove(arrived->above + place + 1, arrived->above + place,
		(arrived->above_count - place) * sizeof(arrived->above[0]));
	arrived->above[place] = serial;
	arrived->above_count++;
	arrived_settle(arrived);
	return ARRIVAL_NEW;
}

static enum sotto_err call_receive(struct talk *talk, const struct talk_group *group,
				   const struct mls_application *application,
				   const struct talk_frame *frame)
{
	struct talk_event event = {.type = TALK_EVENT_CALL,
				   .extension = talk_extension_of(talk, group->peer),
				   .sent_ms = frame->sent_ms,
				   .epoch = application->epoch};
	const struct ledger_device *device =
		ledger_device_by_key(talk->ledger, application->member.signature_key.data);
	struct talk_call call;

	if (device == NULL || wire_decode(&talk_call_type, frame->body, &call) != SOTTO_OK)
		return SOTTO_OK;
	memcpy(event.device_key, application->member.signature_key.data, LEDGER_KEY_LEN);
	event.text = call.message;
	event.own = device->member == talk_own_member(talk);
	event.further = ledger_member_by_id(talk->ledger, device->member)->devices > 1;
	return talk_tell(talk, &event);
}

static enum sotto_err body_receive(struct talk *talk, struct talk_group *group,
				   const struct talk_drop *drop,
				   const struct mls_application *application,
				   const struct talk_frame *frame)
{
	const uint8_t *key = application->member.signature_key.data;
	bool everyone = group->kind == TALK_EVERYONE;
	enum sotto_err err;

	switch (frame->type) {
	case TALK_BODY_TEXT:
		return everyone ? SOTTO_OK : talk_text_receive(talk, group, drop, key, frame);
	case TALK_BODY_RECEIPT:
		err = talk_receipt_receive(talk, group, drop, key, frame->body);
		talk_return_spoke(talk, group, key, application->epoch);
		return err;
	case TALK_BODY_CALL:
		return group->kind != TALK_DIRECT || !talk_feature(talk, LEDGER_FEATURE_CALLS)
			       ? SOTTO_OK
			       : call_receive(talk, group, application, frame);
	case TALK_BODY_ENTRY:
		/* Behind the winning commit no entry counts: its author submits it again. */
		return everyone && drop == &group->drops[0]
			       ? talk_entry_receive(talk, frame->body, key)
			       : SOTTO_OK;
	case TALK_BODY_KEY_PACKAGE:
		return everyone ? talk_package_receive(talk, key, frame->body) : SOTTO_OK;
	case TALK_BODY_BEACON:
		if (everyone)
			talk_life_heard(group, drop, key);
		return SOTTO_OK;
	case TALK_BODY_STUCK:
		return everyone ? talk_stuck_receive(talk, key, frame->body) : SOTTO_OK;
	case TALK_BODY_BRANCH:
		return everyone ? talk_fork_receive(talk, key, frame->body) : SOTTO_OK;
	case TALK_BODY_PROPOSAL:
		return everyone ? talk_proposal_receive(talk, key, frame->body) : SOTTO_OK;
	case TALK_BODY_REFUSAL:
		return everyone ? talk_refusal_receive(talk, key, frame->body) : SOTTO_OK;
	case TALK_BODY_APPROVAL:
		return everyone ? talk_approval_receive(talk, key, frame->body) : SOTTO_OK;
	case TALK_BODY_REACTION:
	case TALK_BODY_EDIT:
	case TALK_BODY_DELETE:
	case TALK_BODY_READ:
		return everyone ? SOTTO_OK : talk_body_receive(talk, group, key, frame);
	case TALK_BODY_LEAVE:
		return group->kind == TALK_GROUP && drop == &group->drops[0]
			       ? talk_leave_receive(talk, group, key, frame->body)
			       : SOTTO_OK;
	default:
		return talk_newer_heard(talk, group, key, false);
	}
}

/* Whom one of the two has added to their conversation is not heard as either of them, until he is removed. */
static bool is_strange(const struct talk *talk, const struct talk_group *group, const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);

	return group->kind == TALK_DIRECT && device != NULL && device->member != group->peer &&
	       device->member != talk_own_member(talk);
}

enum sotto_err talk_frame_receive(struct talk *talk, struct talk_group *group,
				  const struct talk_drop *drop,
				  const struct mls_application *application)
{
	const uint8_t *key = application->member.signature_key.data;
	struct talk_frame frame;
	enum sotto_err err = SOTTO_OK;

	if (application->plaintext.len == 0 ||
	    application->member.signature_key.len != LEDGER_KEY_LEN || is_strange(talk, group, key))
		return SOTTO_OK;
	if (application->plaintext.data[0] != TALK_VERSION)
		return talk_newer_heard(talk, group, key, false);
	if (wire_decode(&talk_frame_type, application->plaintext, &frame) != SOTTO_OK)
		return SOTTO_OK;
	ledgers_compare(talk, &frame);
	talk_words_compare(talk, &frame.relay);
	talk_heard_from(talk, key);
	talk_release_heard(talk, key, frame.release);
	if (group->kind == TALK_EVERYONE)
		talk_time_heard(talk, key, frame.sent_ms);
	TRY(talk_parcel_done(talk, group, key, application->epoch));
	talk_owed_heard(group, key, application->epoch);
	if (frame.serial != 0) {
		struct talk_arrived *arrived;
		enum arrival arrival;

		arrived = talk_arrived_from(talk, group, key);
		FAIL_IF(arrived == NULL, SOTTO_ERR_NO_MEMORY);
		group->dirty = true;
		/* It is not known here whose it is: we say later that we have nothing, and it is sealed for us again. */
		if (ledger_device_by_key(talk->ledger, key) == NULL) {
			arrived->tell = 1;
			return SOTTO_OK;
		}
		arrival = arrived_put(arrived, frame.serial, frame.oldest);
		/* What comes again is acknowledged again: the first receipt may be lost. */
		if (arrival != ARRIVAL_TOO_MANY_GAPS)
			arrived->tell = 1;
		/* What was read behind the winner of its epoch may stand before the copy that is here. */
		if (arrival == ARRIVAL_AGAIN && frame.type == TALK_BODY_TEXT &&
		    drop != &group->drops[0])
			err = talk_text_again(talk, group, drop, key, frame.serial);
		if (arrival != ARRIVAL_NEW)
			return err;
	}
	talk_update_used(talk, group, frame.type);
	err = body_receive(talk, group, drop, application, &frame);
out:
	return err;
}
