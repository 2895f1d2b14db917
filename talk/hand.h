/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of handing history over share: take.c on the device that asks, give.c on the one that has it,
 * sheaf.c on both. Comes with talk/state.h.
 */
#ifndef TALK_HAND_H
#define TALK_HAND_H

#include "crypto/hpke.h"
#include "talk/state.h"

/* Of what a device asked for whose sheaf or letter does not come it asks again after so long, then twice as late each time. */
#define TALK_HAND_AGAIN_MS     UINT64_C(600000)
#define TALK_HAND_AGAIN_MAX_MS UINT64_C(86400000)
/* A request that states a later time than this phone's is one of a clock that is wrong by so much. */
#define TALK_HAND_CLOCK_MS UINT64_C(1200000)
/* Rows of the store that one step looks at. */
#define TALK_HAND_ROWS_MAX 4096

/* What was said before we came in: what this device asks another one of ours for. */
struct talk_taking {
	enum talk_hand_state state;
	uint8_t from[LEDGER_KEY_LEN];
	uint8_t id[TALK_MESSAGE_ID_LEN];
	struct secret key;     /* sheaves are sealed to it; not there while the phone is locked */
	struct talk_drop drop; /* of sheaves, ours alone to read */
	struct list coming;    /* at most one that is not whole yet */
	uint64_t asked_ms;
	uint32_t sheaves;
	uint64_t messages;
	uint32_t conversation, conversations;
	bool tell;		/* a letter is due */
	bool again;		/* the drop is to be read from its beginning */
	uint64_t letter_ticket; /* open append; 0: none */
	uint32_t letter_sheaves;
	uint32_t letters;   /* that have changed nothing so far */
	uint64_t letter_ns; /* the next one, if nothing comes before */
	uint64_t trimmed;
	bool dirty;
};

/* On the old device: what another one of ours asks for, and how far it got it. */
struct talk_giving {
	struct list list;
	uint64_t number; /* of its row */
	enum talk_hand_state state;
	uint8_t device_key[LEDGER_KEY_LEN];
	uint8_t id[TALK_MESSAGE_ID_LEN];
	struct talk_blob key; /* public */
	uint8_t append_token[WIRE_TOKEN_LEN];
	uint8_t read_hash[WIRE_HASH_LEN];
	uint64_t asked_ms;
	uint32_t sheaf; /* the one on its way, in records; 0: none was made yet */
	bool last;
	uint8_t pass;
	struct talk_owner owner; /* where it is; len 0: before the first one */
	uint64_t before, end;
	uint64_t messages;
	uint32_t conversation, conversations;
	struct talk_records records; /* none: the next one is to be made */
	bool dirty;
};

/* ---- drop.c ---- */
struct hpke_suite talk_box_suite(const struct talk *talk);
/* As talk_box_seal and _open, to a key that was made for it. */
MUST_USE enum sotto_err talk_sheaf_seal(struct talk *talk, struct bytes public_key,
					const uint8_t *drop_name, struct bytes part,
					struct talk_blob *record);
MUST_USE enum sotto_err talk_sheaf_open(const struct talk *talk, struct bytes private_key,
					const uint8_t *drop_name, struct bytes record,
					struct talk_blob *part);

/* ---- save.c, load.c ---- */
MUST_USE enum sotto_err talk_put(struct talk *talk, uint8_t table, struct bytes owner,
				 uint64_t index, const struct wire_type *type,
				 const void *structure);
/* As they stand in rows; give them back. And out of one: at least one. */
struct talk_kept_record *talk_records_keep(const struct talk *talk,
					   const struct talk_records *records);
MUST_USE enum sotto_err talk_records_take(struct talk *talk, const struct wire_list *kept,
					  struct talk_records *records);

/* ---- take.c ---- */
void talk_taking_free(struct talk *talk);
MUST_USE enum sotto_err talk_taking_end(struct talk *talk, enum talk_hand_state state);
MUST_USE enum sotto_err talk_taking_work(struct talk *talk);
MUST_USE enum sotto_err talk_taking_receive(struct talk *talk, struct bytes record);
MUST_USE enum sotto_err talk_taking_save(struct talk *talk);
MUST_USE enum sotto_err talk_taking_load(struct talk *talk, struct bytes row);
/* The relay lost the drop; the link went; what is read does not stay while the phone is locked. */
void talk_taking_lost(struct talk *talk);
void talk_taking_unlink(struct talk *talk);
void talk_taking_lock(struct talk *talk);
/* The key is there again: once after talk_load, and after each unlocking. */
MUST_USE enum sotto_err talk_taking_unlock(struct talk *talk);
/* The letter with this ticket is durable, or will not be. */
void talk_taking_told(struct talk *talk, uint64_t ticket, bool stored);
/* Is its drop to be read now? */
bool talk_taking_reads(const struct talk *talk);

/* ---- give.c ---- */
void talk_giving_free(struct talk *talk, struct talk_giving *giving);
/* A letter, as it stands in our inbox. */
MUST_USE enum sotto_err talk_letter_receive(struct talk *talk, struct bytes bytes);
MUST_USE enum sotto_err talk_giving_work(struct talk *talk);
MUST_USE enum sotto_err talk_giving_save(struct talk *talk);
MUST_USE enum sotto_err talk_giving_load(struct talk *talk, uint64_t number, struct bytes row);
struct talk_giving *talk_giving_find(struct talk *talk, uint64_t number);

/* Of both: what is over by the clock, or whose other device is out; and when to look. */
MUST_USE enum sotto_err talk_hand_expire(struct talk *talk);
uint64_t talk_hand_due(const struct talk *talk);
/* A device of our own person, which may be in conversations, and not this one. */
bool talk_hand_device(const struct talk *talk, const uint8_t *key);
/* What a letter's or a sheaf's signature is over: room for TALK_HAND_SIGNED_LEN bytes. */
#define TALK_HAND_SIGNED_LEN 128
struct bytes talk_hand_signed(const struct talk *talk, const char *label, const uint8_t *drop,
			      struct bytes content, uint8_t *room);

/* ---- sheaf.c ---- */
/* Of this conversation; false: nothing to hand over (it has no place yet). item borrows from kept. */
bool talk_item_of(const struct talk_owner *owner, enum talk_kind kind,
		  const struct talk_kept_message *kept, struct talk_history_item *item);
/* May it be what it says, on any phone? */
bool talk_item_valid(const struct talk_history_item *item);
/* The content of one, all of its items valid; what it lists borrows. SOTTO_ERR_INVALID. */
MUST_USE enum sotto_err talk_sheaf_read(struct bytes content, struct talk_history_sheaf *sheaf);
/* Signed by this device, for this drop; content borrows. SOTTO_ERR_VERIFY, _FORMAT, _LIMIT. */
MUST_USE enum sotto_err talk_sheaf_verify(const struct talk *talk, const uint8_t *device_key,
					  const uint8_t *drop, struct bytes whole,
					  struct bytes *content);
/*
 * Into its place: new, or over what was handed over before; what this phone has itself stays. added: it was
 * not here.
 */
MUST_USE enum sotto_err talk_item_take(struct talk *talk, const struct talk_history_item *item,
				       bool *added);
/* What was handed over has come by itself: that takes its place, and what was changed of it stays. done: it is taken back. */
MUST_USE enum sotto_err talk_item_yields(struct talk *talk, const struct talk_owner *owner,
					 struct talk_kept_message *kept, struct writer *room,
					 bool *done);

#endif
