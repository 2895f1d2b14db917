/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversations of one phone, without I/O: who belongs to the network, who is in which group, what was
 * said. One struct talk for each home.
 *
 *   user, link, time --> talk_* --> store batch --(durable)--> requests, events, deadline
 *
 * The order of a step, always the same:
 *
 *   1. call one or more input functions: talk_found, talk_send_text, talk_reply, talk_tick, ...
 *   2. talk_batch: apply it in one transaction, then talk_stored. If it cannot be applied, stop: the
 *      engine is ahead of the disk and must not go on.
 *   3. talk_next_request until there is none, talk_next_event likewise, then talk_deadline.
 *
 * Nothing that depends on a batch leaves before talk_stored: talk_next_request gives nothing until then.
 * After a restart talk_load continues where the last applied batch stood.
 *
 * now_ns is monotonic, utc_ms the wall clock. utc_ms is shown to people and stated in entries; no decision
 * about which commit or message counts depends on it.
 */
#ifndef TALK_TALK_H
#define TALK_TALK_H

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "base/store.h"
#include "ledger/invitation.h"
#include "ledger/ledger.h"
#include "talk/schema.h"

/* Groups that a phone is in at once. */
#define TALK_GROUPS_MAX 4096

/* Drops that are watched at once: each keeps one stream of the link open, of LINK_CLIENT_REQUESTS_MAX.
 * Conversations beyond that are read every 15 s, and before something is sent into them. */
#define TALK_WATCHES_MAX 40

/* Messages of our own that wait for acknowledgement, in all groups. */
#define TALK_OUTBOX_MAX 4096

/*
 * The suite of a network's groups: X-Wing, AES-256-GCM, SHA-384, Ed25519. Who records today and has a quantum
 * computer later must break ML-KEM-768 too. A network has one suite: phones with another one do not meet.
 */
#define TALK_SUITE 0xF002 /* MLS_MLKEM768X25519_AES256GCM_SHA384_Ed25519 */

#define TALK_NEVER UINT64_MAX

struct talk;

struct talk_config {
	const struct allocator
		*allocator; /* NULL: allocator_default. Outlives the engine, as does: */
	const struct random_source *random;
	uint16_t suite;		/* of MLS; 0: the network's usual one */
	size_t watches_max;	/* 0: TALK_WATCHES_MAX */
	uint64_t retention_ms;	/* of the relay; 0: 14 days. Old keys live as long, too */
	const uint8_t *release; /* SHA-256 of the manifest of what runs; NULL: not known */
};

MUST_USE enum sotto_err talk_create(const struct talk_config *config, struct talk **talk);

/* Wipes. NULL is fine. */
void talk_destroy(struct talk *talk);

/*
 * Everything as the last applied batch left it; call once, right after talk_create. An empty store is an
 * empty phone. SOTTO_ERR_CORRUPT, _STATE (the store is locked), _NO_MEMORY.
 *
 * The reader's context is borrowed until talk_destroy: rows of messages are not kept in memory, and what comes
 * later may be about one of them.
 */
MUST_USE enum sotto_err talk_load(struct talk *talk, const struct store_reader *reader,
				  uint64_t now_ns);

/* ---- What this phone is ---- */

enum talk_state {
	TALK_EMPTY = 0,	   /* belongs to no network */
	TALK_FOUNDING = 1, /* the relay has not taken the founding yet */
	TALK_JOINING = 2,  /* waits for a member to put it into the ledger and into *everyone* */
	TALK_MEMBER = 3,
	TALK_REVOKED = 4, /* for good: no link any more; what is stored stays, nothing is wiped */
	TALK_COPIED = 5,  /* somebody else writes with this phone's keys: full stop */
};

/* What is wrong, for people. More than one may hold. */
enum talk_problem {
	TALK_PROBLEM_ONE_PERSON = 0, /* one person controls this network */
	TALK_PROBLEM_FORKED = 1,     /* somebody has another ledger: full stop */
	TALK_PROBLEM_WITHHELD = 2,   /* others have entries that this phone cannot get */
	TALK_PROBLEM_BLOCKED_LEAF =
		3, /* a group still holds a device that the ledger does not allow */
	TALK_PROBLEM_RELAY_FULL = 4,
	TALK_PROBLEM_REFUSED = 5, /* the relay refuses what this phone asks */
	TALK_PROBLEM_LOST = 6,	  /* the relay lost records; they are being sent again */
	TALK_PROBLEM_OLD = 7, /* others use entries or messages of a newer version; see problem.c */
	TALK_PROBLEM_CONTRADICTION = 8, /* the relay signed two histories of one drop */
	TALK_PROBLEM_BAD_RELAY = 9,	/* what the relay served does not bear its signature */
	TALK_PROBLEM_OLD_KEY =
		10, /* in catch-up: it only reads until it has the newest access key */
	/* A conversation stands still: status.stuck_by sealed what we cannot open. */
	TALK_PROBLEM_STUCK = 11,
	TALK_PROBLEM_BACK = 12, /* away for long: waits for somebody to bring it back */
	/* No admin's phone has stated the time for a day: nobody is let in, no conversation is begun. */
	TALK_PROBLEM_NOT_FRESH = 13,
	/* The relay showed two histories of a conversation, or of *everyone*: they are being made one. */
	TALK_PROBLEM_BRANCHED = 14,
	TALK_PROBLEM_CLOCK = 15, /* this phone's clock is not the relay's: it lets nobody in */
	/* In some conversation nothing is sent: who reads it is suspended, or at the end of his membership. */
	TALK_PROBLEM_HELD = 16,
	TALK_PROBLEM_ENDED = 17, /* our own membership has ended: nothing is sent */
	/* Of so few admins something was heard lately that one who is missing would be one too many. */
	TALK_PROBLEM_FEW_ADMINS = 18,
	TALK_PROBLEM_RELEASE =
		19, /* this phone runs what the policy does not allow: nothing is sent */
	TALK_PROBLEM_COUNT,
};

/* A phrase for people; never NULL. */
const char *talk_problem_text(enum talk_problem problem);

struct talk_status {
	enum talk_state state;
	bool tells_read;	 /* see talk_tell_read */
	uint32_t extension;	 /* 0 before it is known */
	uint32_t problems;	 /* bit n: enum talk_problem n */
	uint32_t stuck_by;	 /* TALK_PROBLEM_STUCK: whose commit it was; 0 else */
	bool current;		 /* *everyone* has been read to its end since the link came up */
	uint32_t queued;	 /* own messages that are not durable at the relay yet */
	uint32_t unacknowledged; /* own messages that some recipient has not got yet */
	uint64_t discarded;	 /* commits of ours so far that came behind the winning one */
	uint8_t device_key[LEDGER_KEY_LEN];
};
void talk_status(const struct talk *talk, struct talk_status *status);

/* The ledger: empty before founding or joining is done. Borrowed until the next input. */
const struct ledger *talk_ledger(const struct talk *talk);

/* ---- The link that it wants ---- */

enum talk_key_kind { TALK_KEY_CLAIM = 1, TALK_KEY_PORCH = 2, TALK_KEY_ACCESS = 3 };

struct talk_key {
	enum talk_key_kind kind; /* the numbers are those of enum link_key_kind */
	uint64_t number;
	uint8_t secret[WIRE_KEY_LEN];
};

#define TALK_KEYS_MAX 4

struct talk_link {
	struct bytes relay_address; /* HOST:PORT; borrowed until the next input */
	uint8_t relay_key[WIRE_KEY_LEN];
	uint8_t network[WIRE_HASH_LEN];	     /* zeros before founding */
	struct talk_key keys[TALK_KEYS_MAX]; /* the best first */
	size_t key_count;
};

/* SOTTO_ERR_STATE: this phone wants no link (empty, revoked, copied). Wipe what was written. */
MUST_USE enum sotto_err talk_link(const struct talk *talk, struct talk_link *link);

/* The relay proved itself; a new link. exporter: WIRE_EXPORTER_LEN bytes of it; clock_offset_ms: its clock minus
 * ours. Tickets of the link before mean nothing any more. */
MUST_USE enum sotto_err talk_link_up(struct talk *talk, const uint8_t *exporter,
				     int64_t clock_offset_ms, uint64_t now_ns, uint64_t utc_ms);
MUST_USE enum sotto_err talk_link_down(struct talk *talk, uint64_t now_ns, uint64_t utc_ms);

/* One whole message of the relay's answer to a request; empty with last: only the end. Unknown tickets
 * are ignored: nothing that a relay says is an error of the program's. */
MUST_USE enum sotto_err talk_reply(struct talk *talk, uint64_t ticket, struct bytes message,
				   bool last, uint64_t now_ns, uint64_t utc_ms);

/* No more will come of this request, and no end was announced. */
MUST_USE enum sotto_err talk_end(struct talk *talk, uint64_t ticket, uint64_t now_ns,
				 uint64_t utc_ms);

/* ---- What people do. Each answers at once; what comes of it are events. ---- */

/*
 * A conversation is one MLS group: *everyone*, one to one, or a group of members. Rows in the store and what
 * people see know it by this.
 */
enum talk_kind { TALK_EVERYONE = 1, TALK_DIRECT = 2, TALK_GROUP = 3 };

#define TALK_CONVERSATION_ID_LEN 16

struct talk_conversation {
	enum talk_kind kind;
	uint32_t extension;		      /* TALK_DIRECT: of the other one */
	uint8_t id[TALK_CONVERSATION_ID_LEN]; /* TALK_GROUP: the first bytes of the MLS group id */
};

static inline struct talk_conversation talk_with(uint32_t extension)
{
	return (struct talk_conversation){.kind = TALK_DIRECT, .extension = extension};
}

/* Is it the same one? */
bool talk_conversation_equal(const struct talk_conversation *a, const struct talk_conversation *b);

/* Every conversation whose messages can be read: one with each member, then groups. cursor begins at 0. */
bool talk_conversation_next(const struct talk *talk, size_t *cursor,
			    struct talk_conversation *conversation);

struct talk_found {
	struct bytes network_name;
	struct bytes name; /* of the founder */
	uint8_t digits;	   /* 3 to 5; the founder's extension is 1 and zeros */
	struct bytes relay_address;
	uint8_t relay_key[WIRE_KEY_LEN];
	uint8_t claim[WIRE_KEY_LEN];
};

/*
 * SOTTO_ERR_STATE: belongs to a network already. SOTTO_ERR_INVALID: a name or an address. A join or a founding
 * that is under way is given up for it; but the same founding goes on, with this claim. Who gives one up of
 * which the relay took notice, and only its answer was lost, leaves a network there that nobody is in.
 */
MUST_USE enum sotto_err talk_found(struct talk *talk, const struct talk_found *found,
				   uint64_t now_ns, uint64_t utc_ms);

/*
 * invitation: the text. Also SOTTO_ERR_FORMAT, _VERSION, SOTTO_ERR_TOO_OLD (expired by utc_ms). While another
 * join or a founding is under way it takes its place; with the same invitation that goes on.
 *
 * Nobody tells a phone that its card was used or withdrawn. When the card's time is over, by utc_ms, and a
 * last look shows that nobody let it in (or 10 min went by without a link), what was prepared is erased and
 * the state is TALK_EMPTY again.
 */
MUST_USE enum sotto_err talk_join(struct talk *talk, struct bytes invitation, uint64_t now_ns,
				  uint64_t utc_ms);

/*
 * An invitation for one member. Its text comes with TALK_EVENT_INVITED, once the entry stands in the
 * ledger; where more than one admin must sign, TALK_EVENT_PROPOSAL comes first (talk/admins.h).
 * SOTTO_ERR_DENIED: not an admin. SOTTO_ERR_LIMIT: the network has TALK_MEMBERS_MAX
 * devices, or what a newcomer must be sent has become too long, or too many proposals are open. SOTTO_ERR_EXISTS, _INVALID,
 * _STATE.
 */
MUST_USE enum sotto_err talk_invite(struct talk *talk, uint32_t extension, struct bytes name,
				    uint64_t valid_ms, uint64_t now_ns, uint64_t utc_ms);

/* The same with so many places for devices, 1 to LEDGER_PLACES_MAX; TALK_PLACES is what talk_invite gives. */
#define TALK_PLACES 3
MUST_USE enum sotto_err talk_invite_with(struct talk *talk, uint32_t extension, struct bytes name,
					 uint8_t places, uint64_t valid_ms, uint64_t now_ns,
					 uint64_t utc_ms);

/* So many devices more may come in before talk_invite says LIMIT. */
size_t talk_network_room(const struct talk *talk);

/* A card that this phone made. It is a secret: wipe it. */
struct talk_invitation {
	uint32_t extension;
	uint64_t expires_ms;
	size_t name_len;
	uint8_t name[LEDGER_NAME_MAX];
	size_t text_len;
	uint8_t text[LEDGER_INVITATION_TEXT_MAX];
};

/* Of those that stand in the ledger and nobody has used, and whose time is not over by utc_ms, the one with the lowest
 * extension above this one. NOT_FOUND: there is none. */
MUST_USE enum sotto_err talk_invitation_after(const struct talk *talk, uint32_t extension,
					      uint64_t utc_ms, struct talk_invitation *invitation);

/* Takes a member out with all devices, for good. Errors as talk_invite; SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err talk_revoke(struct talk *talk, uint32_t extension, uint64_t now_ns,
				    uint64_t utc_ms);

/* ---- Further devices of our own person ---- */

/* So long a card for one is good, and waits for its person to approve it. It ends with the engine, too. */
#define TALK_CARD_MS	UINT64_C(600000)
#define TALK_CODE_LEN	12 /* characters of base32: 60 bits */
#define TALK_CODE_TRIES 5  /* wrong codes; then the card is worth nothing any more */

/*
 * The text of a card for a further device, called so; one at a time, a new one takes the place of the one before. It
 * brings nobody in: TALK_EVENT_DEVICE_ASKS says that a phone has shown it, and talk_device_approve lets that phone in.
 * SOTTO_ERR_STATE, _INVALID (the name), _EXISTS (a device is called so), _LIMIT (no place is left for one), _SPACE
 * (the network is full), _DENIED (unconfirmed).
 */
MUST_USE enum sotto_err talk_device_card(struct talk *talk, struct bytes name, struct writer *text,
					 uint64_t *expires_ms, uint64_t now_ns, uint64_t utc_ms);

/* Has a phone shown the card that is open, and waits? */
bool talk_device_asks(const struct talk *talk);

/*
 * A person at this phone typed the code that the new phone shows (spaces, hyphens and case do not matter): the new
 * phone is put into the ledger. device_key: LEDGER_KEY_LEN bytes. SOTTO_ERR_NOT_FOUND: no phone has shown the card
 * yet; _VERIFY: it has another code; _STATE: no card is open; _AGAIN: no link, or not all is read; else as
 * talk_device_card.
 */
MUST_USE enum sotto_err talk_device_approve(struct talk *talk, struct bytes code,
					    uint8_t *device_key, uint64_t now_ns, uint64_t utc_ms);

/* Closes the card. */
void talk_device_refuse(struct talk *talk);

/* While joining with such a card: the code to type on the phone that showed it. False: it is another card. */
bool talk_join_code(const struct talk *talk, char code[TALK_CODE_LEN + 1]);

/*
 * Takes one of several devices out, for good: one of our own, or, by an admin, anybody's. SOTTO_ERR_NOT_FOUND;
 * _INVALID: this phone itself, an admin's, or the only one; _DENIED; _STATE.
 */
MUST_USE enum sotto_err talk_device_retire(struct talk *talk, uint32_t extension, uint32_t number,
					   uint64_t now_ns, uint64_t utc_ms);

/*
 * What was said before a device came in, from another one of the same person. The new one asks; the person says
 * yes on the old one (talk_hand_give), which no message does; what both are in comes then, sealed for the new
 * one alone. Either may be off meanwhile. TALK_EVENT_HAND says that something about it is another now.
 */
#define TALK_HAND_ASK_MS UINT64_C(86400000)	   /* so long the old one can say yes */
#define TALK_HAND_MS	 (UINT64_C(14) * 86400000) /* then it is over, however far it came */

/* On this device: SOTTO_ERR_STATE, _NOT_FOUND (no such device of ours; 0: there is none, or several), _AGAIN (its key package
 * is not here yet). Who asks anew gives up what he asked for before. */
MUST_USE enum sotto_err talk_hand_ask(struct talk *talk, uint32_t number, uint64_t now_ns,
				      uint64_t utc_ms);

/* To this device of ours, which has asked, once: SOTTO_ERR_NOT_FOUND (it has not), _TOO_OLD, _STATE. */
MUST_USE enum sotto_err talk_hand_give(struct talk *talk, uint32_t number, uint64_t now_ns,
				       uint64_t utc_ms);

/* Nothing more to this device, nor from it: SOTTO_ERR_NOT_FOUND, _STATE (locked). What is here stays. */
MUST_USE enum sotto_err talk_hand_stop(struct talk *talk, uint32_t number, uint64_t now_ns,
				       uint64_t utc_ms);

enum talk_hand_state {
	TALK_HAND_NONE = 0,
	TALK_HAND_ASKED = 1, /* waits for the old device */
	TALK_HAND_UNDER_WAY = 2,
	TALK_HAND_DONE = 3,
	TALK_HAND_OVER = 4, /* its time ended, a device is out, or somebody stopped it */
};

struct talk_hand {
	bool gives;	 /* this device does, or is asked to; else it gets */
	uint32_t number; /* of the other device */
	enum talk_hand_state state;
	uint64_t asked_ms;
	uint64_t messages;		      /* given, or taken that were not here before */
	uint32_t conversation, conversations; /* at which of how many; 0 of 0: not known yet */
};

/* What is asked, under way, or was so last with each device; start with *cursor = 0, false at the end. */
bool talk_hand_next(const struct talk *talk, uint32_t *cursor, struct talk_hand *hand);

/* An entry that was signed elsewhere (k of n): checked, put into *everyone* until it stands in the
 * ledger. Errors are those of ledger_check. */
MUST_USE enum sotto_err talk_act(struct talk *talk, struct bytes entry, uint64_t now_ns,
				 uint64_t utc_ms);

/*
 * Queues a text; it is in the store with this step. reply_to: id of a message; NULL: of none. message_id:
 * TALK_MESSAGE_ID_LEN bytes, the same on all phones. SOTTO_ERR_NOT_FOUND (no such member or group), _DENIED
 * (revoked, unconfirmed; a group: we are not in it, or nobody else is or is wished), _STATE, _INVALID
 * (empty, or not UTF-8), _LIMIT (longer than TALK_TEXT_MAX, or TALK_OUTBOX_MAX wait already).
 */
MUST_USE enum sotto_err talk_send_text(struct talk *talk,
				       const struct talk_conversation *conversation,
				       struct bytes text, const uint8_t *reply_to,
				       uint8_t *message_id, uint64_t now_ns, uint64_t utc_ms);

/*
 * Another text instead of the one of a message of ours, or none any more: for everybody. What it said is then in
 * no store. Errors as talk_send_text; also SOTTO_ERR_NOT_FOUND (no such message here), _DENIED (not ours),
 * _EXISTS (it is deleted).
 */
MUST_USE enum sotto_err talk_edit(struct talk *talk, const struct talk_conversation *conversation,
				  const uint8_t *message_id, struct bytes text, uint64_t now_ns,
				  uint64_t utc_ms);
MUST_USE enum sotto_err talk_delete(struct talk *talk, const struct talk_conversation *conversation,
				    const uint8_t *message_id, uint64_t now_ns, uint64_t utc_ms);

/*
 * One reaction of ours to a message, instead of the one before; empty: none any more. Errors as talk_edit, but that
 * it may be anybody's message. SOTTO_ERR_INVALID, _LIMIT: one character as people see it (talk/grapheme.h), at most
 * TALK_REACTION_MAX bytes.
 */
MUST_USE enum sotto_err talk_react(struct talk *talk, const struct talk_conversation *conversation,
				   const uint8_t *message_id, struct bytes reaction,
				   uint64_t now_ns, uint64_t utc_ms);

/*
 * Everything in this conversation up to this row (TALK_TABLE_MESSAGES) was read; that is told to who wrote it, unless
 * talk_tell_read is off or more than TALK_READ_DEVICES_MAX devices are in it. SOTTO_ERR_NOT_FOUND.
 */
#define TALK_READ_DEVICES_MAX 100 /* each receipt is acknowledged by all: the square of this */
MUST_USE enum sotto_err talk_mark_read(struct talk *talk,
				       const struct talk_conversation *conversation, uint64_t row,
				       uint64_t now_ns, uint64_t utc_ms);

/* Does this phone say what was read, and hear what others have read? The one not without the other. On at first. */
MUST_USE enum sotto_err talk_tell_read(struct talk *talk, bool tells, uint64_t now_ns,
				       uint64_t utc_ms);

/* ---- Groups ---- */

/*
 * What is asked of a group is a wish, in the store with this step. It comes true by a commit, ours or another's, as soon
 * as there is a link, and is given up only when nothing can come of it; notices (TALK_ROW_NOTICE) tell what came true.
 * SOTTO_ERR_STATE: no member of a network. SOTTO_ERR_NOT_FOUND: no such group, or somebody whom nobody knows here.
 * SOTTO_ERR_DENIED: we are not in that group (any more), or somebody is revoked or not confirmed.
 * SOTTO_ERR_INVALID: a name (UTF-8 without controls, 1 to TALK_GROUP_NAME_MAX bytes). SOTTO_ERR_LIMIT: more
 * than TALK_MEMBERS_MAX devices.
 */

/*
 * A group of these people and us; count may be 0. id: TALK_CONVERSATION_ID_LEN bytes. SOTTO_ERR_EXISTS: we are
 * among them. SOTTO_ERR_SPACE: this phone is in TALK_GROUPS_MAX groups.
 */
MUST_USE enum sotto_err talk_group_create(struct talk *talk, struct bytes name,
					  const uint32_t *extensions, size_t count, uint8_t *id,
					  uint64_t now_ns, uint64_t utc_ms);
MUST_USE enum sotto_err talk_group_rename(struct talk *talk, const uint8_t *id, struct bytes name,
					  uint64_t now_ns, uint64_t utc_ms);

/* Who is in it already stays. All devices of a member come and go together. */
MUST_USE enum sotto_err talk_group_add(struct talk *talk, const uint8_t *id,
				       const uint32_t *extensions, size_t count, uint64_t now_ns,
				       uint64_t utc_ms);

/* Also who is not in it yet, but wished so by us. SOTTO_ERR_INVALID: ourselves, see talk_group_leave. */
MUST_USE enum sotto_err talk_group_remove(struct talk *talk, const uint8_t *id,
					  const uint32_t *extensions, size_t count, uint64_t now_ns,
					  uint64_t utc_ms);

/* Says so in the group; the others then remove us. Nothing can be sent there from now on. */
MUST_USE enum sotto_err talk_group_leave(struct talk *talk, const uint8_t *id, uint64_t now_ns,
					 uint64_t utc_ms);

enum talk_membership {
	TALK_IN = 1,
	TALK_COMING = 2, /* we want to add this member */
	TALK_GOING = 3,	 /* has said that he leaves, or we want to remove him */
	TALK_OUT = 4,	 /* of a group: we are not in it any more */
};

struct talk_group_info {
	uint8_t id[TALK_CONVERSATION_ID_LEN];
	struct bytes name;	    /* borrowed until the next input */
	enum talk_membership state; /* ours: IN, GOING, OUT */
	uint32_t devices;	    /* in it, as far as we know */
	uint64_t epoch;
	uint32_t wanted; /* changes that this phone wants of it and that nobody has made yet */
	bool blocked;	 /* holds a device that the ledger does not allow: nothing is sent there */
	bool stuck;	 /* at a change that this phone cannot open */
};

/* All groups, also those that we were in; start with *cursor = 0, false at the end. */
bool talk_next_group(const struct talk *talk, uint64_t *cursor, struct talk_group_info *info);

/* One of them; false: no such group. */
bool talk_group_get(const struct talk *talk, const uint8_t *id, struct talk_group_info *info);

/* Calls each for every member, by the ledger's order. SOTTO_ERR_NOT_FOUND: no such group. */
typedef void talk_group_member_fn(void *context, uint32_t extension, enum talk_membership state);
MUST_USE enum sotto_err talk_group_members(const struct talk *talk, const uint8_t *id,
					   talk_group_member_fn *each, void *context);

/* ---- While the phone is locked ---- */

/*
 * The store is locked from now on: of what this engine has put into tables that are not ring tables it keeps
 * nothing in memory, and until talk_unlock its batches touch ring tables only. Texts that come and what
 * becomes of own ones are parked in such a table, and told once it is unlocked. Everything else goes on:
 * receiving, acknowledging, sending what was queued, calls. talk_send_text and talk_mark_read answer
 * SOTTO_ERR_STATE. After talk_stored only; an engine that has just loaded is not locked.
 *
 * What remains in memory of texts: own ones that somebody has not acknowledged yet, to send them again.
 */
void talk_lock(struct talk *talk);

/*
 * The store is open again: moves what was parked, in the order in which it came. Also after talk_load, as
 * the program may have ended while it was locked. Moves some thousand rows at a time: call it again, each time
 * after talk_stored, until it leaves an empty batch. SOTTO_ERR_CORRUPT, _STATE (the store is locked after
 * all), _NO_MEMORY: talk_failed says so too.
 */
MUST_USE enum sotto_err talk_unlock(struct talk *talk, const struct store_reader *reader,
				    uint64_t now_ns, uint64_t utc_ms);

/* ---- For the call engine ---- */

/* While a call is being made or goes on here, no conversation is updated (talk/update.h). */
void talk_calling(struct talk *talk, bool calling);

/* Sends now or never: SOTTO_ERR_AGAIN if the conversation is not there yet, not read to its end, or the
 * link is down; the call decides whether to ask again. It is not kept, acknowledged or repeated. */
MUST_USE enum sotto_err talk_send_call(struct talk *talk, uint32_t extension, struct bytes message,
				       uint64_t now_ns, uint64_t utc_ms);

/* The epoch of the conversation with this member; SOTTO_ERR_NOT_FOUND: none yet. talk_open makes one. */
MUST_USE enum sotto_err talk_call_epoch(const struct talk *talk, uint32_t extension,
					uint64_t *epoch);

/* MLS-Exporter of the present epoch of that conversation. */
MUST_USE enum sotto_err talk_call_export(const struct talk *talk, uint32_t extension,
					 const char *label, struct bytes context, uint8_t *out,
					 size_t len);

/* Makes sure that there is a conversation with this member. Errors as talk_send_text. */
MUST_USE enum sotto_err talk_open(struct talk *talk, uint32_t extension, uint64_t now_ns,
				  uint64_t utc_ms);

/* ---- Time ---- */

/* When talk_tick is due; TALK_NEVER if nothing is. */
uint64_t talk_deadline(const struct talk *talk);
MUST_USE enum sotto_err talk_tick(struct talk *talk, uint64_t now_ns, uint64_t utc_ms);

/* ---- What comes out ---- */

/*
 * SOTTO_OK, or why a step failed half way (out of memory, no randomness): the engine must then be
 * destroyed and loaded again, and its batch not be applied. What an input returns otherwise is about that
 * input only.
 */
MUST_USE enum sotto_err talk_failed(const struct talk *talk);

/* To be applied in one transaction, then talk_stored; empty when nothing changed. */
const struct store_batch *talk_batch(const struct talk *talk);
void talk_stored(struct talk *talk);

struct talk_request {
	uint64_t ticket; /* grows, never reused while the engine lives */
	bool cancel;	 /* no more is wanted of this ticket; message is empty */
	struct bytes
		message; /* an encoded request of wire/; borrowed until the next call of this */
};

/* False: no more now. Nothing while the link is down or a batch waits. */
bool talk_next_request(struct talk *talk, struct talk_request *request);

enum talk_message_state {
	TALK_MESSAGE_QUEUED = 1,    /* on this phone only */
	TALK_MESSAGE_STORED = 2,    /* durable at the relay */
	TALK_MESSAGE_DELIVERED = 3, /* every recipient has acknowledged it on one device */
	TALK_MESSAGE_RECEIVED = 4,  /* from somebody else; a notice too */
	/* The recipient was revoked, or the relay's retention ended, before everybody had it. */
	TALK_MESSAGE_FAILED = 5,
};

enum talk_row_kind {
	TALK_ROW_TEXT = 1,
	TALK_ROW_NOTICE = 2, /* who did what */
};

/* What a notice says that `from` has done. */
enum talk_verb {
	TALK_VERB_NONE = 0,
	TALK_VERB_CREATED = 1, /* the group; text: its name */
	TALK_VERB_NAMED = 2,   /* text: the new name */
	TALK_VERB_ADDED = 3,   /* subject */
	TALK_VERB_REMOVED = 4, /* subject */
	TALK_VERB_LEFT = 5,    /* subject: himself */
	/* Nobody did: what was said between sent_ms and received_ms this phone may not have. */
	TALK_VERB_MISSING = 6,
	/* subject has a further device, or one less; text: what it is called. */
	TALK_VERB_DEVICE = 7,
	TALK_VERB_DEVICE_GONE = 8,
	/* What this phone wished and what cannot be; nobody else sees it. text: why, one of those below. */
	TALK_VERB_NOT_ADDED = 9,    /* subject */
	TALK_VERB_NOT_REMOVED = 10, /* subject */
	TALK_VERB_NOT_NAMED = 11,
	/* Nobody did: the relay showed two histories of this conversation, and what this phone had of its own did not stay. */
	TALK_VERB_BRANCHED = 12,
};

#define TALK_WHY_OUT	 "out"	   /* this phone is not in the group any more */
#define TALK_WHY_GONE	 "gone"	   /* the network does not allow the subject a device */
#define TALK_WHY_PACKAGE "package" /* the subject's key package does not fit */

/*
 * Where a message stands: the record that brought it, in the drop of its epoch. Of several copies the first
 * one counts, so it is the same on every phone that has read everything. incarnation counts how often this
 * phone saw the relay lose the drop: what came anew stands behind what it had before.
 */
struct talk_place {
	uint8_t group
		[TALK_CONVERSATION_ID_LEN]; /* of two one-to-one conversations that became one */
	uint64_t epoch;
	uint32_t incarnation;
	uint64_t sequence; /* 0: an own message that has not been read back */
};

/* Before, the same or behind: less than 0, 0, more. What has no place stands behind everything that has. */
int talk_place_compare(const struct talk_place *a, const struct talk_place *b);

/* What has changed about a message. */
enum talk_change {
	TALK_CHANGE_STATE = 1,
	TALK_CHANGE_PLACE = 2,
	TALK_CHANGE_PERSON = 3, /* somebody has got or read it */
	TALK_CHANGE_REACTION = 4,
	TALK_CHANGE_EDIT = 5,
	TALK_CHANGE_DELETE = 6,
};

/* How far a message of ours has come with one member. Of one to one the message's state says the first. */
enum talk_person_state { TALK_PERSON_HAS = 1, TALK_PERSON_READ = 2 };

struct talk_reaction {
	uint32_t extension;
	struct bytes reaction;
};

struct talk_person {
	uint32_t extension;
	enum talk_person_state state;
	uint64_t at_ms; /* when this phone learned it */
};

struct talk_message {
	enum talk_row_kind kind;
	uint8_t id[TALK_MESSAGE_ID_LEN];
	uint32_t from; /* extension, as it was then */
	enum talk_message_state state;
	struct talk_place place;
	uint64_t sent_ms;     /* a notice has none */
	uint64_t received_ms; /* 0: sent by this phone; by another one of ours: it stays STORED */
	enum talk_verb verb;  /* TALK_ROW_NOTICE */
	uint32_t subject;     /* extension; 0: nobody */
	uint8_t reply_to[TALK_MESSAGE_ID_LEN]; /* zeros: to nothing; that may be unknown here */
	bool edited;
	bool deleted;	/* its text is gone */
	bool handed;	/* it did not come here itself: another device of ours has handed it over */
	bool elsewhere; /* received: it was read on another device of ours */
	/* Borrow from the row; an event has none. */
	struct wire_list reactions, people;
	struct bytes text; /* borrows from the row or the event */
};

/* Whose reaction was not taken back; cursor as wire_list_walk makes it of reactions. False at the end. */
bool talk_reaction_next(struct wire_cursor *cursor, struct talk_reaction *reaction);
bool talk_person_next(struct wire_cursor *cursor, struct talk_person *person);

enum talk_event_type {
	TALK_EVENT_STATE = 1, /* enum talk_state changed; or a problem came or went */
	/*
	 * talk_link says something else now. A link that an access key opened stays up if access keys are
	 * to open the same relay's link still: the newest is proven on it, the keys are for the next time.
	 */
	TALK_EVENT_LINK,
	TALK_EVENT_INVITED,    /* extension, text: the invitation, expires_ms: of the card */
	TALK_EVENT_ACT_FAILED, /* an entry of ours can never apply; extension, err */
	TALK_EVENT_MEMBERS,    /* the ledger grew */
	/* A row came: conversation, row, message. What it borrows, as text. */
	TALK_EVENT_MESSAGE,
	/* Of one we sent: conversation, row, message_id, message_state */
	TALK_EVENT_MESSAGE_STATE,
	/* Of any: conversation, row, message_id, change, extension: whose. The row says how it is now. */
	TALK_EVENT_MESSAGE_CHANGED,
	/* extension, device_key, own, further, epoch, sent_ms, text: the call message */
	TALK_EVENT_CALL,
	TALK_EVENT_EPOCH, /* the conversation with extension is in this epoch now */
	/* What was wished of a group cannot be, as a notice says there: conversation, extension: whom it was about (0: the
	 * name), err. */
	TALK_EVENT_GROUP_FAILED,
	TALK_EVENT_DEVICE_ASKS, /* a phone has shown the card of talk_device_card */
	/* proposal, text: its code, extension: who proposed it, own: this phone did */
	TALK_EVENT_PROPOSAL,
	TALK_EVENT_HAND, /* talk_hand_next says something else */
};

/* What has become of an act of the admins: talk/admins.h. */
enum talk_proposal_change {
	TALK_PROPOSAL_NONE = 0,
	TALK_PROPOSAL_MADE = 1,	   /* somebody proposed it */
	TALK_PROPOSAL_SIGNED = 2,  /* an admin more has signed it */
	TALK_PROPOSAL_REFUSED = 3, /* an admin is against it */
	TALK_PROPOSAL_DONE = 4,	   /* it stands in the ledger */
	TALK_PROPOSAL_LAPSED = 5,  /* nothing can come of it any more */
};

struct talk_event {
	enum talk_event_type type;
	enum talk_proposal_change proposal;
	uint32_t extension;
	struct talk_conversation conversation;
	struct talk_message message;
	uint8_t message_id[TALK_MESSAGE_ID_LEN];
	uint8_t device_key[LEDGER_KEY_LEN];
	uint64_t row;
	uint64_t sent_ms;    /* CALL */
	uint64_t expires_ms; /* INVITED */
	uint64_t epoch;
	enum talk_message_state message_state;
	enum talk_change change;
	bool removed; /* EPOCH: somebody was removed by it */
	bool own;     /* CALL: another device of ours says it */
	bool further; /* CALL: whoever says it has further devices */
	enum sotto_err err;
	struct bytes text; /* borrowed until the next call of talk_next_event */
};

/* False: no more now. Nothing while a batch waits. */
bool talk_next_event(struct talk *talk, struct talk_event *event);

/* ---- What the store holds for others to read ---- */

/*
 * Messages: owner is that of the conversation, index grows with each row that this phone writes. Value: see
 * talk_message_decode. The order of people is that of their places: talk_history_read.
 * TALK_TABLE_READ: the same owner, index 0, value is the last row read (8 bytes, big-endian). At other indices
 * talk_change waits for messages that are not here yet.
 */
#define TALK_TABLE_MESSAGES (STORE_TABLES_TALK + 0)
#define TALK_TABLE_READ	    (STORE_TABLES_TALK + 1)

MUST_USE enum sotto_err talk_message_decode(struct bytes row, struct talk_message *message);

struct talk_owner {
	uint8_t data[TALK_CONVERSATION_ID_LEN];
	size_t len;
};

static inline struct bytes talk_owner_bytes(const struct talk_owner *owner)
{
	return BYTES(owner->data, owner->len);
}

/* SOTTO_ERR_NOT_FOUND: no such member. A group may be one that this phone has left. */
MUST_USE enum sotto_err talk_conversation_owner(const struct talk *talk,
						const struct talk_conversation *conversation,
						struct talk_owner *owner);

/* Rows of one conversation, in the order of their places; only where each is. */
struct talk_history_row {
	struct talk_place place;
	uint8_t id[TALK_MESSAGE_ID_LEN];
	enum talk_verb verb;
	uint64_t row;
};

struct talk_history {
	const struct allocator *allocator;
	struct talk_history_row *rows;
	size_t count, capacity;
};

/*
 * From this row of the store on. history: zeros, or one that was released. SOTTO_ERR_CORRUPT, _STATE (the store
 * is locked), _NO_MEMORY.
 */
MUST_USE enum sotto_err talk_history_read(const struct store_reader *reader,
					  const struct talk_owner *owner, uint64_t first_row,
					  struct talk_history *history);
void talk_history_release(struct talk_history *history);

#endif
