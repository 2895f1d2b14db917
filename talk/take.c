/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was said before, from another device of our own person: on the device that asks for it.
 *
 *   asked --> letter in the other one's inbox: a key and a drop, both made for this
 *         <-- sheaf in that drop, if its person says yes there (give.c)
 *   taken --> rows, one step a sheaf --> letter "so many taken", what stands in the drop is erased there
 *   last  --> the key is erased
 *
 *   timers: a letter that changed nothing is sent again after 10 min, then twice as late each time, at most a day
 *
 * A sheaf counts whole, in its turn, signed by the device that was asked, while both are devices of one member. What is not
 * whole lives in memory: after a restart the drop is read again. While the phone is locked nothing is read, and the key is
 * not within reach.
 */
#include <string.h>

#include "crypto/kem.h"
#include "crypto/sign.h"
#include "talk/access.h"
#include "talk/policy.h"
#include "talk/state.h"

/* ---- Its row ---- */

static void coming_clear(struct talk *talk)
{
	list_for_each (element, following, &talk->taking->coming)
		talk_coming_free(talk, CONTAINER_OF(element, struct talk_coming, list));
}

void talk_taking_free(struct talk *talk)
{
	struct talk_taking *taking = talk->taking;

	if (taking == NULL)
		return;
	coming_clear(talk);
	talk_drop_clear(talk, &taking->drop);
	talk_give(talk, taking, sizeof(*taking));
	talk->taking = NULL;
}

static void drop_make(struct talk_drop *drop, const uint8_t *append_token,
		      const uint8_t *read_token)
{
	*drop = (struct talk_drop){.flags = WIRE_DROP_INBOX};
	memcpy(drop->append_token, append_token, WIRE_TOKEN_LEN);
	memcpy(drop->read_token, read_token, WIRE_TOKEN_LEN);
	wire_append_token_hash(drop->append_token, drop->append_hash);
	wire_read_token_hash(drop->read_token, drop->read_hash);
	talk_drop_name(drop);
}

enum sotto_err talk_taking_save(struct talk *talk)
{
	struct talk_taking *taking = talk->taking;
	struct talk_kept_taking kept = {.version = TALK_STORE_VERSION};
	enum sotto_err err;

	if (taking == NULL || !taking->dirty)
		return SOTTO_OK;
	taking->dirty = false;
	kept.state = (uint8_t)taking->state;
	kept.asked_ms = taking->asked_ms;
	kept.tell = taking->tell;
	kept.sheaves = taking->sheaves;
	kept.messages = taking->messages;
	kept.conversation = taking->conversation;
	kept.conversations = taking->conversations;
	memcpy(kept.from, taking->from, LEDGER_KEY_LEN);
	memcpy(kept.id, taking->id, sizeof(kept.id));
	memcpy(kept.append_token, taking->drop.append_token, WIRE_TOKEN_LEN);
	memcpy(kept.read_token, taking->drop.read_token, WIRE_TOKEN_LEN);
	err = talk_put(talk, TALK_TABLE_HAND, BYTES_NONE, 0, &talk_kept_taking_type, &kept);
	bytes_wipe(&kept, sizeof(kept));
	return err;
}

/* The key's row, from the store; nothing is there when it is over, or while the store is locked. */
static enum sotto_err key_load(struct talk *talk)
{
	struct writer value;
	enum sotto_err err;

	writer_init_growing(&value, talk->allocator);
	err = talk_store_get(talk, TALK_TABLE_HAND_KEY, BYTES_NONE, 0, &value);
	if (err == SOTTO_ERR_NOT_FOUND || err == SOTTO_ERR_STATE)
		err = SOTTO_OK;
	else if (err == SOTTO_OK && value.len > TALK_SEED_MAX)
		err = SOTTO_ERR_CORRUPT;
	else if (err == SOTTO_OK)
		secret_set(&talk->taking->key, value.data, value.len);
	writer_release(&value);
	return err;
}

static enum sotto_err taking_begin(struct talk *talk)
{
	talk_taking_free(talk);
	talk->taking = talk_take(talk, sizeof(*talk->taking));
	if (talk->taking == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_init(&talk->taking->coming);
	return SOTTO_OK;
}

enum sotto_err talk_taking_load(struct talk *talk, struct bytes row)
{
	struct talk_kept_taking kept;
	struct talk_taking *taking;
	enum sotto_err err;

	if (wire_decode(&talk_kept_taking_type, row, &kept) != SOTTO_OK ||
	    kept.version != TALK_STORE_VERSION || kept.state == TALK_HAND_NONE ||
	    kept.state > TALK_HAND_OVER)
		return SOTTO_ERR_CORRUPT;
	TRY(taking_begin(talk));
	taking = talk->taking;
	taking->state = (enum talk_hand_state)kept.state;
	memcpy(taking->from, kept.from, LEDGER_KEY_LEN);
	memcpy(taking->id, kept.id, sizeof(taking->id));
	taking->asked_ms = kept.asked_ms;
	/* And once after each start: the other device then knows that this one is there. */
	taking->tell = kept.tell != 0 || kept.state <= TALK_HAND_UNDER_WAY;
	taking->sheaves = kept.sheaves;
	taking->messages = kept.messages;
	taking->conversation = kept.conversation;
	taking->conversations = kept.conversations;
	if (kept.state <= TALK_HAND_UNDER_WAY)
		drop_make(&taking->drop, kept.append_token, kept.read_token);
out:
	bytes_wipe(&kept, sizeof(kept));
	return err;
}

/* ---- Asking ---- */

/* The only other one if number is 0; NULL: none, or which one? */
static const struct ledger_device *device_of(const struct talk *talk, uint32_t number)
{
	const struct ledger_device *found = NULL;

	for (uint32_t i = 0; i < ledger_device_count(talk->ledger); i++) {
		const struct ledger_device *device = ledger_device_at(talk->ledger, i);

		if (!talk_hand_device(talk, device->key) ||
		    (number != 0 && device->number != number))
			continue;
		if (found != NULL)
			return NULL;
		found = device;
	}
	return found;
}

enum sotto_err talk_hand_ask(struct talk *talk, uint32_t number, uint64_t now_ns, uint64_t utc_ms)
{
	uint8_t append_token[WIRE_TOKEN_LEN], read_token[WIRE_TOKEN_LEN];
	uint8_t public_key[TALK_INIT_KEY_MAX];
	const struct ledger_device *device;
	struct talk_taking *taking;
	enum sotto_err err;

	if (talk->state != TALK_MEMBER || talk->locked)
		return SOTTO_ERR_STATE;
	if (!talk_feature(talk, LEDGER_FEATURE_HISTORY))
		return SOTTO_ERR_UNSUPPORTED;
	device = device_of(talk, number);
	if (device == NULL)
		return SOTTO_ERR_NOT_FOUND;
	if (talk_package_of(talk, device->key) == NULL)
		return SOTTO_ERR_AGAIN;
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	if (talk->taking != NULL)
		TRY(talk_cancel(talk, talk->taking->drop.ticket));
	TRY(taking_begin(talk));
	taking = talk->taking;
	TRY(random_fill(talk->random, taking->id, sizeof(taking->id)));
	TRY(random_fill(talk->random, append_token, sizeof(append_token)));
	TRY(random_fill(talk->random, read_token, sizeof(read_token)));
	TRY(kem_generate(talk_box_suite(talk).kem, talk->random, &taking->key, public_key));
	TRY(store_batch_put(&talk->batch, TALK_TABLE_HAND_KEY, BYTES_NONE, 0,
			    secret_bytes(&taking->key), STORE_ERASABLE));
	memcpy(taking->from, device->key, LEDGER_KEY_LEN);
	drop_make(&taking->drop, append_token, read_token);
	taking->state = TALK_HAND_ASKED;
	taking->asked_ms = utc_ms;
	taking->tell = taking->dirty = true;
	err = talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_HAND});
out:
	bytes_wipe(append_token, sizeof(append_token));
	bytes_wipe(read_token, sizeof(read_token));
	return talk_step_end(talk, err);
}

/* The keys of it are gone, also when its last letter is still due. */
enum sotto_err talk_taking_end(struct talk *talk, enum talk_hand_state state)
{
	struct talk_taking *taking = talk->taking;
	enum sotto_err err = SOTTO_OK;

	taking->state = state;
	taking->dirty = true;
	taking->tell = state == TALK_HAND_DONE;
	coming_clear(talk);
	secret_wipe(&taking->key);
	TRY(store_batch_delete(&talk->batch, TALK_TABLE_HAND_KEY, BYTES_NONE, 0));
	/* What was done is erased at the relay first. */
	if (state != TALK_HAND_DONE) {
		TRY(talk_cancel(talk, taking->drop.ticket));
		talk_drop_clear(talk, &taking->drop);
	}
	err = talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_HAND});
out:
	return err;
}

/* ---- Letters ---- */

static enum sotto_err content_make(struct talk *talk, struct talk_blob *content)
{
	const struct talk_taking *taking = talk->taking;
	enum kem_alg kem = talk_box_suite(talk).kem;
	struct talk_history_ask ask = {
		.version = TALK_VERSION,
		/* Of now, not of when it was asked for first: who was off for longer than a request counts heeds the next one. */
		.stated_ms = talk->utc_ms,
		.sheaves = taking->sheaves,
	};
	uint8_t public_key[TALK_INIT_KEY_MAX];
	enum sotto_err err = SOTTO_OK;

	memcpy(ask.id, taking->id, sizeof(ask.id));
	if (taking->sheaves == 0) {
		TRY(kem_public(kem, secret_bytes(&taking->key), public_key));
		ask.key = BYTES(public_key, kem_public_len(kem));
		memcpy(ask.append_token, taking->drop.append_token, WIRE_TOKEN_LEN);
		memcpy(ask.read_hash, taking->drop.read_hash, WIRE_HASH_LEN);
	}
	err = talk_encode(talk, &talk_history_ask_type, &ask, content);
out:
	bytes_wipe(&ask, sizeof(ask));
	return err;
}

static enum sotto_err letter_make(struct talk *talk, const struct talk_drop *inbox,
				  const struct talk_package *package, struct talk_blob *record)
{
	struct talk_letter letter = {.form = TALK_LETTER_FORM};
	struct talk_blob content = {0}, whole = {0};
	struct mls_key_package_info info;
	uint8_t room[TALK_HAND_SIGNED_LEN];
	size_t len;
	enum sotto_err err = SOTTO_OK;

	TRY(mls_key_package_check(&talk->mls, talk_blob_bytes(&package->message), 0, &info));
	TRY(content_make(talk, &content));
	memcpy(letter.device_key, talk->identity.public_key, LEDGER_KEY_LEN);
	letter.content = talk_blob_bytes(&content);
	TRY(sign_create(
		SIGN_ED25519, NULL, secret_bytes(&talk->identity.private_key),
		talk_hand_signed(talk, "sotto history ask 1", inbox->name, letter.content, room),
		letter.signature, &len));
	TRY(talk_encode(talk, &talk_letter_type, &letter, &whole));
	TRY(talk_box_seal(talk, info.init_key, inbox->name, talk_blob_bytes(&whole), record));
out:
	talk_blob_clear(talk, &content);
	talk_blob_clear(talk, &whole);
	return err;
}

static enum sotto_err letter_send(struct talk *talk)
{
	struct talk_taking *taking = talk->taking;
	const struct ledger_device *device = ledger_device_by_key(talk->ledger, taking->from);
	const struct talk_package *package = talk_package_of(talk, taking->from);
	struct talk_blob record = {0};
	struct talk_asked *asked;
	struct talk_drop inbox;
	enum sotto_err err = SOTTO_OK;

	/* A locked phone has no key to ask with; that it has got something it can say. */
	if (taking->key.len == 0 && taking->sheaves == 0)
		return SOTTO_OK;
	if (taking->letter_ticket != 0 || talk->now_ns < talk->retry_ns || device == NULL ||
	    package == NULL)
		return SOTTO_OK;
	talk_inbox_of(talk_access_first(talk), device->key, device->inbox_read, &inbox);
	TRY(letter_make(talk, &inbox, package, &record));
	err = talk_ask_append(talk, TALK_ASK_APPEND_LETTER, inbox.append_token, inbox.read_hash,
			      inbox.flags, talk_blob_bytes(&record), &asked);
	if (err == SOTTO_OK) {
		taking->letter_ticket = asked->ticket;
		taking->letter_sheaves = taking->sheaves;
	} else if (err == SOTTO_ERR_AGAIN) {
		err = SOTTO_OK;
	}
out:
	bytes_wipe(&inbox, sizeof(inbox));
	talk_blob_clear(talk, &record);
	return err;
}

void talk_taking_told(struct talk *talk, uint64_t ticket, bool stored)
{
	struct talk_taking *taking = talk->taking;
	uint64_t again_ms = TALK_HAND_AGAIN_MS;

	if (taking == NULL || ticket == 0 || taking->letter_ticket != ticket)
		return;
	taking->letter_ticket = 0;
	if (!stored || taking->letter_sheaves != taking->sheaves)
		return;
	taking->tell = false;
	taking->dirty = true;
	for (uint32_t i = 0; i < taking->letters && again_ms < TALK_HAND_AGAIN_MAX_MS; i++)
		again_ms *= 2;
	if (again_ms > TALK_HAND_AGAIN_MAX_MS)
		again_ms = TALK_HAND_AGAIN_MAX_MS;
	taking->letters++;
	taking->letter_ns = talk->now_ns + again_ms * TALK_MS;
}

/* ---- Sheaves ---- */

bool talk_taking_reads(const struct talk *talk)
{
	return talk->taking != NULL && talk->taking->state <= TALK_HAND_UNDER_WAY &&
	       talk->taking->key.len > 0 && !talk->taking->again;
}

/* What is signed by the device that was asked, and comes next. SOTTO_ERR_AGAIN: it was here; _INVALID. */
static enum sotto_err sheaf_check(const struct talk *talk, struct bytes whole,
				  struct talk_history_sheaf *content)
{
	const struct talk_taking *taking = talk->taking;
	struct bytes inner;
	enum sotto_err err;

	TRY(talk_sheaf_verify(talk, taking->from, taking->drop.name, whole, &inner));
	TRY(talk_sheaf_read(inner, content));
	FAIL_IF(memcmp(content->id, taking->id, sizeof(content->id)) != 0, SOTTO_ERR_VERIFY);
	FAIL_IF(content->number != taking->sheaves + 1, SOTTO_ERR_AGAIN);
out:
	return err;
}

static enum sotto_err sheaf_put(struct talk *talk, const struct talk_history_sheaf *content)
{
	struct talk_taking *taking = talk->taking;
	struct wire_cursor cursor = wire_list_walk(&content->items);
	struct talk_history_item item;
	enum sotto_err err = SOTTO_OK;

	while (wire_list_next(&cursor, &talk_history_item_type, &item)) {
		bool added;

		TRY(talk_item_take(talk, &item, &added));
		taking->messages += added;
	}
	taking->sheaves++;
	taking->conversation = content->conversation;
	taking->conversations = content->conversations;
	taking->state = TALK_HAND_UNDER_WAY;
	taking->letters = 0;
	taking->tell = taking->dirty = true;
	err = content->last ? talk_taking_end(talk, TALK_HAND_DONE)
			    : talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_HAND});
out:
	return err;
}

/* A whole one, if its device may still give it, and *everyone* says so to the end. */
static enum sotto_err sheaf_take(struct talk *talk)
{
	struct talk_taking *taking = talk->taking;
	struct talk_history_sheaf content;
	struct talk_coming *coming;
	struct talk_blob whole = {0};
	enum sotto_err err = SOTTO_OK;

	if (list_empty(&taking->coming) || taking->key.len == 0 ||
	    !talk_hand_device(talk, taking->from) || !talk_group_current(talk, talk->everyone))
		return SOTTO_OK;
	coming = CONTAINER_OF(taking->coming.next, struct talk_coming, list);
	if (coming->have < coming->count)
		return SOTTO_OK;
	TRY(talk_coming_join(talk, coming, 0, &whole));
	talk_coming_free(talk, coming);
	err = sheaf_check(talk, talk_blob_bytes(&whole), &content);
	if (err == SOTTO_OK)
		err = sheaf_put(talk, &content);
	else if (err == SOTTO_ERR_INVALID)
		err = talk_taking_end(talk, TALK_HAND_OVER); /* of a later version */
	else
		err = SOTTO_OK; /* here already, or nobody's */
out:
	talk_blob_clear(talk, &whole);
	return err;
}

/* One sheaf at a time: another one's part gives the first up, which is sent again. */
static enum sotto_err part_put(struct talk *talk, const struct talk_part *part)
{
	struct talk_coming *coming = talk_coming_find(&talk->taking->coming, part->id);
	enum sotto_err err = SOTTO_OK;

	if (coming == NULL) {
		coming_clear(talk);
		TRY(talk_coming_make(talk, &talk->taking->coming, part, &coming));
	}
	err = talk_coming_put(talk, coming, part, 0);
	if (err == SOTTO_ERR_INVALID)
		return SOTTO_OK;
	if (err == SOTTO_OK && coming->have == coming->count)
		err = sheaf_take(talk);
out:
	return err;
}

enum sotto_err talk_taking_receive(struct talk *talk, struct bytes record)
{
	struct talk_taking *taking = talk->taking;
	struct talk_blob opened = {0};
	struct talk_part part;
	enum sotto_err err;

	if (taking->state > TALK_HAND_UNDER_WAY)
		return SOTTO_OK;
	if (taking->key.len == 0) {
		taking->again = true;
		return SOTTO_OK;
	}
	err = talk_sheaf_open(talk, secret_bytes(&taking->key), taking->drop.name, record, &opened);
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_OK;
	if (wire_decode(&talk_part_type, talk_blob_bytes(&opened), &part) == SOTTO_OK &&
	    talk_part_fits(&part, TALK_SHEAF_PARTS))
		err = part_put(talk, &part);
	talk_blob_clear(talk, &opened);
	return err;
}

void talk_taking_lost(struct talk *talk)
{
	coming_clear(talk);
	talk->taking->tell = talk->taking->dirty = true;
	talk->taking->trimmed = 0;
}

void talk_taking_unlink(struct talk *talk)
{
	struct talk_taking *taking = talk->taking;

	if (taking == NULL)
		return;
	taking->letter_ticket = 0;
	taking->drop.ticket = 0;
	taking->drop.at_end = taking->drop.watched = false;
}

void talk_taking_lock(struct talk *talk)
{
	if (talk->taking == NULL || talk->taking->state > TALK_HAND_UNDER_WAY)
		return;
	coming_clear(talk);
	secret_wipe(&talk->taking->key);
	talk->taking->again = true;
}

enum sotto_err talk_taking_unlock(struct talk *talk)
{
	return talk->taking == NULL ? SOTTO_OK : key_load(talk);
}

/* ---- Whatever can be done now ---- */

/* What was taken is erased at the relay, once the store knows that it was. */
static enum sotto_err drop_trim(struct talk *talk)
{
	struct talk_taking *taking = talk->taking;
	struct wire_trim trim = {.flags = taking->drop.flags,
				 .up_to_sequence = taking->drop.sequence};
	struct talk_asked *asked;
	enum sotto_err err;

	if (!list_empty(&taking->coming) || taking->again || !taking->drop.known ||
	    taking->trimmed >= taking->drop.sequence)
		return SOTTO_OK;
	memcpy(trim.append_token_hash, taking->drop.append_hash, WIRE_HASH_LEN);
	memcpy(trim.read_token, taking->drop.read_token, WIRE_TOKEN_LEN);
	memcpy(trim.incarnation, taking->drop.incarnation, WIRE_INCARNATION_LEN);
	memcpy(trim.running_hash, taking->drop.running, WIRE_HASH_LEN);
	err = talk_ask(talk, TALK_ASK_TRIM, &wire_trim_type, &trim, &asked);
	bytes_wipe(&trim, sizeof(trim));
	if (err == SOTTO_OK)
		taking->trimmed = taking->drop.sequence;
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

/* It is unlocked again: what came meanwhile was not kept. */
static enum sotto_err read_again(struct talk *talk)
{
	struct talk_taking *taking = talk->taking;
	enum sotto_err err = talk_cancel(talk, taking->drop.ticket);

	talk_drop_restart(&taking->drop);
	taking->drop.ticket = 0;
	taking->drop.watched = false;
	taking->again = false;
	return err;
}

enum sotto_err talk_taking_work(struct talk *talk)
{
	struct talk_taking *taking = talk->taking;
	enum sotto_err err = SOTTO_OK;

	if (taking == NULL)
		return SOTTO_OK;
	if (taking->state <= TALK_HAND_UNDER_WAY) {
		if (taking->again && taking->key.len > 0)
			TRY(read_again(talk));
		TRY(sheaf_take(talk));
		if (taking->letter_ns != 0 && talk->now_ns >= taking->letter_ns &&
		    taking->letter_ticket == 0)
			taking->tell = true;
	}
	if (taking->tell)
		TRY(letter_send(talk));
	TRY(drop_trim(talk));
	/* All is told and erased: nothing is left but how much it was. */
	if (taking->state == TALK_HAND_DONE && !taking->tell && taking->drop.flags != 0) {
		TRY(talk_cancel(talk, taking->drop.ticket));
		talk_drop_clear(talk, &taking->drop);
		taking->dirty = true;
	}
out:
	return err;
}
