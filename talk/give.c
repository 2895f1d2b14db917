/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was said before, for another device of our own person: on the device that has it.
 *
 *   letter in our inbox --> asked (event)          of a device of ours, signed by it; nothing else happens
 *   its person says yes here, within TALK_HAND_ASK_MS, once
 *     --> sheaf 1 --> letter "1 taken" --> sheaf 2 --> ... the last one --> letter --> done
 *
 * A sheaf is made of what the rows say now, sealed to the key of the request, kept, and appended to the drop of
 * the request until a letter says that it was taken: the same bytes each time, so nothing is there twice. Rows come
 * from the newest to the oldest, conversation by conversation; then once more what was edited or taken back,
 * for that may have happened while the sheaf with it was on its way. Who is out gets nothing any more: that is
 * asked before a sheaf is made and before each of its records goes out.
 */
#include <string.h>

#include "crypto/hash.h"
#include "crypto/kem.h"
#include "crypto/sign.h"
#include "talk/policy.h"
#include "talk/problem.h"
#include "talk/state.h"

#define PASS_ALL   0
#define PASS_AGAIN 1

bool talk_hand_device(const struct talk *talk, const uint8_t *key)
{
	return memcmp(key, talk->identity.public_key, LEDGER_KEY_LEN) != 0 &&
	       ledger_same_member(talk->ledger, key, talk->identity.public_key) &&
	       ledger_allows_leaf(talk->ledger, key, true);
}

struct bytes talk_hand_signed(const struct talk *talk, const char *label, const uint8_t *drop,
			      struct bytes content, uint8_t *room)
{
	uint8_t digest[WIRE_HASH_LEN];
	struct writer writer;

	hash_digest(HASH_SHA256, content, digest);
	writer_init_fixed(&writer, room, TALK_HAND_SIGNED_LEN);
	writer_put_bytes(&writer, BYTES(label, strlen(label)));
	writer_put_bytes(&writer, BYTES(ledger_network(talk->ledger), LEDGER_HASH_LEN));
	writer_put_bytes(&writer, BYTES(drop, WIRE_HASH_LEN));
	writer_put_bytes(&writer, BYTES_OF(digest));
	return writer_bytes(&writer);
}

/* ---- Its rows ---- */

void talk_giving_free(struct talk *talk, struct talk_giving *giving)
{
	list_remove(&giving->list);
	talk_blob_clear(talk, &giving->key);
	talk_records_clear(talk, &giving->records);
	talk_give(talk, giving, sizeof(*giving));
}

struct talk_giving *talk_giving_find(struct talk *talk, uint64_t number)
{
	list_for_each (element, following, &talk->givings) {
		struct talk_giving *giving = CONTAINER_OF(element, struct talk_giving, list);

		if (giving->number == number)
			return giving;
	}
	return NULL;
}

static struct talk_giving *giving_to(struct talk *talk, const uint8_t *key)
{
	list_for_each (element, following, &talk->givings) {
		struct talk_giving *giving = CONTAINER_OF(element, struct talk_giving, list);

		if (memcmp(giving->device_key, key, LEDGER_KEY_LEN) == 0)
			return giving;
	}
	return NULL;
}

enum sotto_err talk_giving_save(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->givings) {
		struct talk_giving *giving = CONTAINER_OF(element, struct talk_giving, list);
		struct talk_kept_giving kept = {
			.version = TALK_STORE_VERSION,
			.state = (uint8_t)giving->state,
			.key = talk_blob_bytes(&giving->key),
			.asked_ms = giving->asked_ms,
			.sheaf = giving->sheaf,
			.last = giving->last,
			.pass = giving->pass,
			.owner = talk_owner_bytes(&giving->owner),
			.before = giving->before,
			.end = giving->end,
			.messages = giving->messages,
			.conversation = giving->conversation,
			.conversations = giving->conversations,
		};
		size_t room = giving->records.count * sizeof(struct talk_kept_record);
		struct talk_kept_record *records = NULL;

		if (!giving->dirty)
			continue;
		if (room > 0)
			records = talk_records_keep(talk, &giving->records);
		if (room > 0 && records == NULL)
			return SOTTO_ERR_NO_MEMORY;
		giving->dirty = false;
		kept.records.items = records;
		kept.records.count = giving->records.count;
		memcpy(kept.device_key, giving->device_key, LEDGER_KEY_LEN);
		memcpy(kept.id, giving->id, sizeof(kept.id));
		memcpy(kept.append_token, giving->append_token, WIRE_TOKEN_LEN);
		memcpy(kept.read_hash, giving->read_hash, WIRE_HASH_LEN);
		err = talk_put(talk, TALK_TABLE_HAND, BYTES_NONE, giving->number,
			       &talk_kept_giving_type, &kept);
		talk_give(talk, records, room);
		bytes_wipe(&kept, sizeof(kept));
		if (err != SOTTO_OK)
			return err;
	}
	return err;
}

enum sotto_err talk_giving_load(struct talk *talk, uint64_t number, struct bytes row)
{
	struct talk_kept_giving kept;
	struct talk_giving *giving;
	enum sotto_err err;

	if (wire_decode(&talk_kept_giving_type, row, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION || kept.state > TALK_HAND_OVER)
		return SOTTO_ERR_CORRUPT;
	giving = talk_take(talk, sizeof(*giving));
	if (giving == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_append(&talk->givings, &giving->list);
	giving->number = number;
	giving->state = (enum talk_hand_state)kept.state;
	memcpy(giving->device_key, kept.device_key, LEDGER_KEY_LEN);
	memcpy(giving->id, kept.id, sizeof(giving->id));
	memcpy(giving->append_token, kept.append_token, WIRE_TOKEN_LEN);
	memcpy(giving->read_hash, kept.read_hash, WIRE_HASH_LEN);
	giving->asked_ms = kept.asked_ms;
	giving->sheaf = kept.sheaf;
	giving->last = kept.last != 0;
	giving->pass = kept.pass;
	memcpy(giving->owner.data, kept.owner.data, kept.owner.len);
	giving->owner.len = kept.owner.len;
	giving->before = kept.before;
	giving->end = kept.end;
	giving->messages = kept.messages;
	giving->conversation = kept.conversation;
	giving->conversations = kept.conversations;
	TRY(talk_blob_set(talk, &giving->key, kept.key));
	if (kept.records.count > 0)
		err = talk_records_take(talk, &kept.records, &giving->records);
out:
	bytes_wipe(&kept, sizeof(kept));
	return err;
}

/* Nothing is left of it but how far it came. */
static enum sotto_err giving_end(struct talk *talk, struct talk_giving *giving,
				 enum talk_hand_state state)
{
	giving->state = state;
	giving->dirty = true;
	talk_blob_clear(talk, &giving->key);
	talk_records_clear(talk, &giving->records);
	bytes_wipe(giving->append_token, sizeof(giving->append_token));
	return talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_HAND});
}

/* ---- Letters ---- */

static bool letter_verified(const struct talk *talk, const struct talk_letter *letter)
{
	uint8_t room[TALK_HAND_SIGNED_LEN];

	return talk_hand_device(talk, letter->device_key) &&
	       sign_verify(SIGN_ED25519, BYTES_OF(letter->device_key),
			   talk_hand_signed(talk, "sotto history ask 1", talk->inbox.name,
					    letter->content, room),
			   BYTES_OF(letter->signature)) == SOTTO_OK;
}

/* A request, of now, with all that giving needs. */
static bool ask_fits(const struct talk *talk, const struct talk_history_ask *ask)
{
	enum kem_alg kem = talk_box_suite(talk).kem;

	return ask->sheaves == 0 && ask->stated_ms < talk->utc_ms + TALK_HAND_CLOCK_MS &&
	       talk->utc_ms <= ask->stated_ms + TALK_HAND_ASK_MS &&
	       ask->key.len == kem_public_len(kem) && kem_check_public(kem, ask->key) == SOTTO_OK;
}

static enum sotto_err asked(struct talk *talk, struct talk_giving *giving, const uint8_t *key,
			    const struct talk_history_ask *ask)
{
	struct talk_giving *made = talk_take(talk, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (talk_blob_set(talk, &made->key, ask->key) != SOTTO_OK) {
		talk_give(talk, made, sizeof(*made));
		return SOTTO_ERR_NO_MEMORY;
	}
	/* One row a device: its newest request counts. */
	made->number = giving != NULL ? giving->number : talk_number(talk);
	if (giving != NULL)
		talk_giving_free(talk, giving);
	list_append(&talk->givings, &made->list);
	made->state = TALK_HAND_ASKED;
	memcpy(made->device_key, key, LEDGER_KEY_LEN);
	memcpy(made->id, ask->id, sizeof(made->id));
	memcpy(made->append_token, ask->append_token, WIRE_TOKEN_LEN);
	memcpy(made->read_hash, ask->read_hash, WIRE_HASH_LEN);
	made->asked_ms = ask->stated_ms;
	made->dirty = true;
	return talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_HAND});
}

/* How many the other device has. */
static enum sotto_err told(struct talk *talk, struct talk_giving *giving, uint32_t sheaves)
{
	if (giving->state != TALK_HAND_UNDER_WAY || giving->records.count == 0)
		return SOTTO_OK;
	if (sheaves != giving->sheaf) {
		/* It waits for this one: the relay may have lost it. What is there stays as it is. */
		if (sheaves + 1 == giving->sheaf && giving->records.ticket == 0)
			giving->records.stored = 0;
		return SOTTO_OK;
	}
	if (giving->last)
		return giving_end(talk, giving, TALK_HAND_DONE);
	talk_records_clear(talk, &giving->records);
	giving->dirty = true;
	return talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_HAND});
}

enum sotto_err talk_letter_receive(struct talk *talk, struct bytes bytes)
{
	struct talk_history_ask ask;
	struct talk_letter letter;
	struct talk_giving *giving;

	if (talk->state != TALK_MEMBER ||
	    wire_decode(&talk_letter_type, bytes, &letter) != SOTTO_OK ||
	    letter.form != TALK_LETTER_FORM ||
	    wire_decode(&talk_history_ask_type, letter.content, &ask) != SOTTO_OK ||
	    ask.version != TALK_VERSION || !letter_verified(talk, &letter))
		return SOTTO_OK;
	giving = giving_to(talk, letter.device_key);
	if (giving != NULL && memcmp(giving->id, ask.id, sizeof(ask.id)) == 0)
		return told(talk, giving, ask.sheaves);
	/* What a relay serves a second time ends nothing that was asked for later. */
	if (!ask_fits(talk, &ask) || (giving != NULL && ask.stated_ms <= giving->asked_ms))
		return SOTTO_OK;
	return asked(talk, giving, letter.device_key, &ask);
}

/* ---- A sheaf ---- */

struct making {
	struct talk *talk;
	struct talk_giving *giving;
	const struct talk_group *group;
	struct writer items;
	size_t count;
	size_t rows; /* that were looked at */
	bool full;
};

static int owner_compare(const struct talk_owner *a, const struct talk_owner *b)
{
	return bytes_compare(talk_owner_bytes(a), talk_owner_bytes(b));
}

/* Is the device in it, too? */
static bool shared(const struct talk_group *group, const struct talk_giving *giving)
{
	struct mls_member member;

	return group->kind != TALK_EVERYONE && !talk_group_over(group) &&
	       mls_group_find_member(group->mls, BYTES_OF(giving->device_key), &member) == SOTTO_OK;
}

/* The shared conversation with the next owner behind this one, or at it; NULL: none. */
static const struct talk_group *group_next(const struct talk *talk,
					   const struct talk_giving *giving,
					   const struct talk_owner *from, bool behind)
{
	const struct talk_group *next = NULL;
	struct talk_owner best, owner;

	list_for_each (element, following, &talk->groups) {
		const struct talk_group *group = CONTAINER_OF(element, struct talk_group, list);
		int order;

		if (!shared(group, giving))
			continue;
		talk_owner_of(group, &owner);
		order = owner_compare(&owner, from);
		if ((behind ? order <= 0 : order != 0) ||
		    (next != NULL && owner_compare(&owner, &best) >= 0))
			continue;
		next = group;
		best = owner;
	}
	return next;
}

static uint32_t groups_count(const struct talk *talk, const struct talk_giving *giving)
{
	struct talk_owner owner = {0};
	const struct talk_group *group;
	uint32_t count = 0;

	while ((group = group_next(talk, giving, &owner, true)) != NULL) {
		talk_owner_of(group, &owner);
		count++;
	}
	return count;
}

static enum sotto_err item_write(struct making *making, const struct talk_kept_message *kept,
				 struct talk_history_item *item)
{
	struct talk *talk = making->talk;
	size_t room = kept->reactions.count * sizeof(struct talk_history_reaction);
	struct wire_cursor cursor = wire_list_walk(&kept->reactions);
	struct talk_history_reaction *reactions = NULL;
	struct talk_kept_reaction reaction;
	size_t count = 0;
	enum sotto_err err = SOTTO_OK;

	if (room > 0) {
		reactions = talk_take(talk, room);
		FAIL_IF(reactions == NULL, SOTTO_ERR_NO_MEMORY);
	}
	while (room > 0 && wire_list_next(&cursor, &talk_kept_reaction_type, &reaction))
		reactions[count++] = (struct talk_history_reaction){
			reaction.member, reaction.number, reaction.reaction};
	item->reactions = (struct wire_list){.items = reactions, .count = count};
	/* What stands beside the items in a sheaf is short. */
	if (making->count == TALK_SHEAF_ITEMS_MAX ||
	    making->items.len + wire_measure(&talk_history_item_type, item) >
		    TALK_SHEAF_CONTENT_MAX - 64) {
		making->full = true;
		err = SOTTO_ERR_LIMIT;
		goto out;
	}
	TRY(wire_encode(&talk_history_item_type, item, &making->items));
	making->count++;
out:
	talk_give(talk, reactions, room);
	return err;
}

/* SOTTO_ERR_LIMIT ends the sheaf: this row is the next one's. */
static enum sotto_err row_give(void *context, uint64_t index, struct bytes value)
{
	struct making *making = context;
	struct talk_giving *giving = making->giving;
	struct talk_kept_message kept;
	struct talk_history_item item;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(making->rows++ == TALK_HAND_ROWS_MAX, SOTTO_ERR_LIMIT);
	FAIL_IF(wire_decode(&talk_kept_message_type, value, &kept) != SOTTO_OK ||
			kept.version != TALK_STORE_VERSION,
		SOTTO_ERR_CORRUPT);
	if (talk_item_of(&giving->owner, making->group->kind, &kept, &item) &&
	    (giving->pass == PASS_ALL || kept.deleted || kept.edits > 0)) {
		TRY(item_write(making, &kept, &item));
		giving->messages += giving->pass == PASS_ALL;
	}
	giving->before = index;
out:
	return err;
}

/* Goes on to the next conversation; false: there is none. */
static bool group_begin(struct talk *talk, struct talk_giving *giving)
{
	const struct talk_group *group = group_next(talk, giving, &giving->owner, true);

	if (group == NULL && giving->pass == PASS_ALL) {
		giving->pass = PASS_AGAIN;
		giving->owner = (struct talk_owner){0};
		group = group_next(talk, giving, &giving->owner, true);
	}
	if (group == NULL)
		return false;
	talk_owner_of(group, &giving->owner);
	giving->before = giving->end + 1;
	giving->conversation += giving->pass == PASS_ALL;
	return true;
}

static enum sotto_err rows_collect(struct making *making)
{
	struct talk *talk = making->talk;
	struct talk_giving *giving = making->giving;
	enum sotto_err err = SOTTO_OK;

	for (;;) {
		struct store_range range =
			STORE_RANGE_ALL(TALK_TABLE_MESSAGES, talk_owner_bytes(&giving->owner));

		making->group = giving->owner.len > 0
					? group_next(talk, giving, &giving->owner, false)
					: NULL;
		range.last = giving->before - 1;
		range.descending = true;
		/* One that the device is in no more is left where it is. */
		if (making->group != NULL && giving->before > 1)
			err = store_iterate(&talk->reader, &range, row_give, making);
		if (err == SOTTO_ERR_LIMIT)
			return SOTTO_OK;
		if (err != SOTTO_OK)
			return err;
		if (!group_begin(talk, giving)) {
			giving->last = true;
			return SOTTO_OK;
		}
	}
}

static enum sotto_err sheaf_seal(struct talk *talk, struct talk_giving *giving, const uint8_t *name,
				 struct bytes whole)
{
	struct talk_part part = {.version = TALK_VERSION};
	struct talk_records made = {0};
	struct talk_blob encoded = {0};
	size_t count = talk_part_count(whole.len);
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(count > TALK_SHEAF_PARTS, SOTTO_ERR_LIMIT);
	TRY(random_fill(talk->random, part.id, sizeof(part.id)));
	TRY(talk_records_make(talk, &made, count));
	part.count = (uint16_t)count;
	for (size_t i = 0; i < count; i++) {
		part.number = (uint16_t)i;
		part.bytes = talk_part_bytes(whole, i);
		TRY(talk_encode(talk, &talk_part_type, &part, &encoded));
		TRY(talk_sheaf_seal(talk, talk_blob_bytes(&giving->key), name,
				    talk_blob_bytes(&encoded), &made.items[i]));
	}
	talk_records_clear(talk, &giving->records);
	giving->records = made;
	made = (struct talk_records){0};
out:
	talk_records_clear(talk, &made);
	talk_blob_clear(talk, &encoded);
	return err;
}

static enum sotto_err sheaf_make(struct talk *talk, struct talk_giving *giving)
{
	struct making making = {.talk = talk, .giving = giving};
	struct talk_history_sheaf content = {.version = TALK_VERSION};
	uint8_t append_hash[WIRE_HASH_LEN], name[WIRE_HASH_LEN], room[TALK_HAND_SIGNED_LEN];
	struct talk_blob inner = {0}, whole = {0};
	struct talk_sheaf sheaf;
	size_t len;
	enum sotto_err err = SOTTO_OK;

	writer_init_growing(&making.items, talk->allocator);
	TRY(rows_collect(&making));
	giving->conversations = groups_count(talk, giving);
	giving->last = giving->last || giving->sheaf + 1 == TALK_SHEAVES_MAX;
	giving->sheaf++;
	giving->dirty = true;
	memcpy(content.id, giving->id, sizeof(content.id));
	content.number = giving->sheaf;
	content.last = giving->last;
	content.conversation = giving->conversation;
	content.conversations = giving->conversations;
	content.items =
		(struct wire_list){.count = making.count, .encoded = writer_bytes(&making.items)};
	TRY(talk_encode(talk, &talk_history_sheaf_type, &content, &inner));
	wire_append_token_hash(giving->append_token, append_hash);
	wire_drop_name(WIRE_DROP_INBOX, append_hash, giving->read_hash, name);
	sheaf.content = talk_blob_bytes(&inner);
	TRY(sign_create(SIGN_ED25519, NULL, secret_bytes(&talk->identity.private_key),
			talk_hand_signed(talk, "sotto history sheaf 1", name, sheaf.content, room),
			sheaf.signature, &len));
	TRY(talk_encode(talk, &talk_sheaf_type, &sheaf, &whole));
	err = sheaf_seal(talk, giving, name, talk_blob_bytes(&whole));
out:
	writer_release(&making.items);
	talk_blob_clear(talk, &inner);
	talk_blob_clear(talk, &whole);
	return err;
}

static enum sotto_err sheaf_send(struct talk *talk, struct talk_giving *giving)
{
	struct talk_asked *asked_for;
	enum sotto_err err = talk_records_append(talk, TALK_ASK_APPEND_SHEAF, giving->append_token,
						 giving->read_hash, WIRE_DROP_INBOX,
						 &giving->records, &asked_for);

	if (asked_for != NULL)
		asked_for->number = giving->number;
	return err;
}

enum sotto_err talk_giving_work(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	list_for_each (element, following, &talk->givings) {
		struct talk_giving *giving = CONTAINER_OF(element, struct talk_giving, list);

		if (giving->state != TALK_HAND_UNDER_WAY)
			continue;
		if (!talk_hand_device(talk, giving->device_key)) {
			TRY(giving_end(talk, giving, TALK_HAND_OVER));
			continue;
		}
		/* While the phone is locked, what its rows say is out of reach. */
		if (giving->records.count == 0 && !talk->locked && talk->reader.get != NULL)
			TRY(sheaf_make(talk, giving));
		if (giving->records.count > 0)
			TRY(sheaf_send(talk, giving));
	}
out:
	return err;
}

/* ---- By people ---- */

static struct talk_giving *giving_of(struct talk *talk, uint32_t number)
{
	const struct ledger_device *device =
		ledger_device_by_number(talk->ledger, talk_own_member(talk), number);

	return device == NULL ? NULL : giving_to(talk, device->key);
}

enum sotto_err talk_hand_give(struct talk *talk, uint32_t number, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_giving *giving = giving_of(talk, number);
	enum sotto_err err;

	if (talk->state != TALK_MEMBER || talk->locked)
		return SOTTO_ERR_STATE;
	if (!talk_feature(talk, LEDGER_FEATURE_HISTORY))
		return SOTTO_ERR_UNSUPPORTED;
	if (giving == NULL || giving->state != TALK_HAND_ASKED ||
	    !talk_hand_device(talk, giving->device_key))
		return SOTTO_ERR_NOT_FOUND;
	if (utc_ms > giving->asked_ms + TALK_HAND_ASK_MS)
		return SOTTO_ERR_TOO_OLD;
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	giving->state = TALK_HAND_UNDER_WAY;
	giving->end = talk->rows;
	giving->conversations = groups_count(talk, giving);
	giving->dirty = true;
	return talk_step_end(talk, talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_HAND}));
}

enum sotto_err talk_hand_stop(struct talk *talk, uint32_t number, uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_giving *giving = giving_of(talk, number);
	const struct ledger_device *device =
		ledger_device_by_number(talk->ledger, talk_own_member(talk), number);
	bool gives = giving != NULL && giving->state <= TALK_HAND_UNDER_WAY;
	bool takes = device != NULL && talk->taking != NULL &&
		     talk->taking->state <= TALK_HAND_UNDER_WAY &&
		     memcmp(talk->taking->from, device->key, LEDGER_KEY_LEN) == 0;
	enum sotto_err err;

	if (talk->locked)
		return SOTTO_ERR_STATE;
	if (!gives && !takes)
		return SOTTO_ERR_NOT_FOUND;
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	if (gives)
		err = giving_end(talk, giving, TALK_HAND_OVER);
	if (err == SOTTO_OK && takes)
		err = talk_taking_end(talk, TALK_HAND_OVER);
	return talk_step_end(talk, err);
}

/* ---- Time ---- */

static uint64_t end_ms(enum talk_hand_state state, uint64_t asked_ms)
{
	return asked_ms + (state == TALK_HAND_ASKED ? TALK_HAND_ASK_MS : TALK_HAND_MS);
}

/* The clock was set back: what was asked by the other one nobody heeds, so it is asked by this one. */
static void taking_clock(struct talk *talk)
{
	struct talk_taking *taking = talk->taking;

	if (taking == NULL || taking->state != TALK_HAND_ASKED ||
	    taking->asked_ms <= talk->utc_ms + TALK_HAND_CLOCK_MS)
		return;
	taking->asked_ms = talk->utc_ms;
	taking->tell = taking->dirty = true;
}

enum sotto_err talk_hand_expire(struct talk *talk)
{
	enum sotto_err err = SOTTO_OK;

	if (talk->state != TALK_MEMBER)
		return SOTTO_OK;
	list_for_each (element, following, &talk->givings) {
		struct talk_giving *giving = CONTAINER_OF(element, struct talk_giving, list);

		if (giving->state <= TALK_HAND_UNDER_WAY &&
		    (talk->utc_ms > end_ms(giving->state, giving->asked_ms) ||
		     !talk_hand_device(talk, giving->device_key)))
			TRY(giving_end(talk, giving, TALK_HAND_OVER));
	}
	taking_clock(talk);
	/* Who was asked may have said yes at the last moment, and be off since. The key is erased once it can be. */
	if (talk->taking != NULL && talk->taking->key.len > 0 &&
	    talk->taking->state <= TALK_HAND_UNDER_WAY &&
	    (talk->utc_ms > talk->taking->asked_ms + TALK_HAND_MS ||
	     !talk_hand_device(talk, talk->taking->from)))
		err = talk_taking_end(talk, TALK_HAND_OVER);
out:
	return err;
}

static uint64_t due_at(const struct talk *talk, uint64_t at_ms)
{
	return at_ms < talk->utc_ms ? talk->now_ns
				    : talk->now_ns + (at_ms - talk->utc_ms + 1) * TALK_MS;
}

uint64_t talk_hand_due(const struct talk *talk)
{
	const struct talk_taking *taking = talk->taking;
	uint64_t due = TALK_NEVER;

	if (talk->state != TALK_MEMBER)
		return TALK_NEVER;
	/* Loaded, and no step with a clock yet. */
	if (talk->utc_ms == 0)
		return taking != NULL || !list_empty(&talk->givings) ? talk->now_ns : TALK_NEVER;
	list_for_each (element, following, &talk->givings) {
		const struct talk_giving *giving = CONTAINER_OF(element, struct talk_giving, list);

		if (giving->state <= TALK_HAND_UNDER_WAY)
			due = talk_earlier(due,
					   due_at(talk, end_ms(giving->state, giving->asked_ms)));
	}
	if (taking == NULL || taking->state > TALK_HAND_UNDER_WAY)
		return due;
	if (taking->key.len > 0)
		due = talk_earlier(due, due_at(talk, taking->asked_ms + TALK_HAND_MS));
	if (talk->link_ready && taking->letter_ns > talk->now_ns)
		due = talk_earlier(due, taking->letter_ns);
	if (talk_taking_reads(talk) && taking->drop.at_end && !taking->drop.watched)
		due = talk_earlier(due, taking->drop.read_ns + TALK_POLL_MS * TALK_MS);
	return due;
}

/* ---- For people ---- */

static uint32_t number_of(const struct talk *talk, const uint8_t *key)
{
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, key);

	return device != NULL ? device->number : 0;
}

bool talk_hand_next(const struct talk *talk, uint32_t *cursor, struct talk_hand *hand)
{
	const struct talk_taking *taking = talk->taking;
	uint32_t at = 1;

	if ((*cursor)++ == 0) {
		if (taking != NULL) {
			*hand = (struct talk_hand){
				.number = number_of(talk, taking->from),
				.state = taking->state,
				.asked_ms = taking->asked_ms,
				.messages = taking->messages,
				.conversation = taking->conversation,
				.conversations = taking->conversations,
			};
			return true;
		}
		(*cursor)++;
	}
	list_for_each (element, following, &talk->givings) {
		const struct talk_giving *giving = CONTAINER_OF(element, struct talk_giving, list);

		if (++at < *cursor)
			continue;
		*hand = (struct talk_hand){
			.gives = true,
			.number = number_of(talk, giving->device_key),
			.state = giving->state,
			.asked_ms = giving->asked_ms,
			.messages = giving->messages,
			.conversation = giving->conversation,
			.conversations = giving->conversations,
		};
		return true;
	}
	return false;
}
