/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the network is: an append-only chain of signed entries that every phone holds and checks whole.
 *
 *   entry bytes -> decode -> signatures -> rules of the action -> state, head' = H(head, index, entry)
 *
 * An entry either applies or leaves the ledger as it was. There is no clock here: what expires is judged
 * by the time that the signer of an entry states. An admin act names a base (length and head that its
 * signers saw); it applies if that is an ancestor and nothing later touched its subject, and its
 * signatures count against the admins and the threshold where it lands.
 * docs/protocol.md, "Ledger", has the formats and every rule.
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/error.h"
#include "ledger/entry.h"

enum ledger_member_state {
	LEDGER_MEMBER_ACTIVE = 1,
	LEDGER_MEMBER_REVOKED, /* suspended, or at its end, it is by the clock: ledger_suspended, ledger_expired */
};

enum ledger_device_state {
	LEDGER_DEVICE_UNCONFIRMED = 1, /* enrolled where the threshold was above 1 */
	LEDGER_DEVICE_ACTIVE,
	LEDGER_DEVICE_REVOKED,
};

enum ledger_invitation_state {
	LEDGER_INVITATION_OPEN = 1,
	LEDGER_INVITATION_USED,
	LEDGER_INVITATION_LAPSED, /* the threshold rose, or one of its signers stopped being admin */
};

/* A person. An extension that was freed by a revocation may be given to another member, with another id. */
struct ledger_member {
	uint32_t id; /* counts from 1; never reused */
	uint32_t extension;
	uint8_t name_len;
	char name[LEDGER_NAME_MAX + 1]; /* UTF-8, terminated */
	enum ledger_member_state state;
	uint64_t since_ms;     /* as its sponsor stated it */
	uint64_t touched;      /* index of the last entry about it */
	uint32_t places;       /* devices that it may have at a time */
	uint32_t devices;      /* that it has: not revoked */
	uint32_t numbers;      /* devices that it ever had */
	uint64_t until_ms;     /* the membership's end; 0: none */
	uint64_t term_index;   /* of the entry that last said so, but for the invitation; 0: none */
	uint64_t suspended_ms; /* when it was last suspended, as stated; 0: never */
	uint64_t suspended_index; /* by which entry */
	bool suspended_alone;	  /* with fewer signatures than the threshold */
};

struct ledger_device {
	uint8_t key[LEDGER_KEY_LEN];	     /* Ed25519; signs in MLS too */
	uint8_t inbox_read[LEDGER_HASH_LEN]; /* hash of its inbox's read token */
	uint32_t member;
	uint32_t number; /* of its member's, from 1; never reused */
	uint8_t name_len;
	char name[LEDGER_NAME_MAX + 1]; /* UTF-8, terminated; a member's first device has none */
	enum ledger_device_state state;
	uint64_t since_ms; /* as who put it there stated it */
	uint64_t index;	   /* of the entry that enrolled it */
	uint64_t touched;  /* index of the last entry about it */
};

struct ledger_invitation_entry {
	uint8_t key[LEDGER_KEY_LEN];
	uint32_t extension;
	uint64_t expires_ms;
	uint64_t index; /* of the entry that made it */
	enum ledger_invitation_state state;
};

struct ledger;

MUST_USE enum sotto_err ledger_create(const struct allocator *allocator, struct ledger **ledger);
void ledger_destroy(struct ledger *ledger);

/*
 * Checks an entry against everything before it and appends it. The bytes are copied.
 * SOTTO_ERR_FORMAT, _VERSION, _UNSUPPORTED (an action that has no rule here yet), _VERIFY (a signature),
 * _DENIED (too few or foreign signers, lapsed), _STATE (base is no ancestor, subject was touched),
 * _EXISTS (key, extension or id in use), _NOT_FOUND (no such device or invitation), _INVALID, _LIMIT,
 * _NO_MEMORY. On every failure the ledger is as before.
 */
MUST_USE enum sotto_err ledger_append(struct ledger *ledger, struct bytes entry);

/* Would ledger_append take it? Changes nothing. */
MUST_USE enum sotto_err ledger_check(const struct ledger *ledger, struct bytes entry);

/*
 * Would ledger_append take it if as many admins had signed it as must? It has the signature of one of them at least, and
 * those that it has are checked. Only of an admin act: SOTTO_ERR_UNSUPPORTED for another one.
 */
MUST_USE enum sotto_err ledger_check_proposed(const struct ledger *ledger, struct bytes entry);

/*
 * Like ledger_append for an entry that this phone appended before and kept in its sealed store: the
 * rules are applied again, signatures are not verified.
 */
MUST_USE enum sotto_err ledger_restore(struct ledger *ledger, struct bytes entry);

/* All zeros until a founding entry was appended. 32 bytes each, borrowed for the ledger's life. */
const uint8_t *ledger_network(const struct ledger *ledger);

/* The name, digits of an extension, and first relay that the founding entry states. NULL while empty. */
const struct ledger_found *ledger_founding(const struct ledger *ledger);

/* Entries so far, and the head after the first `length` of them (NULL if there are not so many). */
uint64_t ledger_length(const struct ledger *ledger);
const uint8_t *ledger_head(const struct ledger *ledger, uint64_t length);
/* Is this, of LEDGER_HASH_LEN bytes, the head there? */
bool ledger_head_is(const struct ledger *ledger, uint64_t length, const uint8_t *head);

/* Entry number index; empty when there is none. Borrowed for the ledger's life. */
struct bytes ledger_entry_bytes(const struct ledger *ledger, uint64_t index);

/* Bytes of all entries. */
uint64_t ledger_entries_len(const struct ledger *ledger);

/* Pointers from here on are borrowed until the next append. NULL: no such thing. */
const struct ledger_member *ledger_member_by_extension(const struct ledger *ledger,
						       uint32_t extension);
const struct ledger_member *ledger_member_by_id(const struct ledger *ledger, uint32_t id);
uint32_t ledger_member_count(const struct ledger *ledger);

const struct ledger_device *ledger_device_by_key(const struct ledger *ledger, const uint8_t *key);
const struct ledger_device *ledger_device_at(const struct ledger *ledger, uint32_t position);
uint32_t ledger_device_count(const struct ledger *ledger);

/* Devices that are not revoked; and how often one came to be: while that stays, who was allowed still is. */
uint32_t ledger_live_count(const struct ledger *ledger);
uint64_t ledger_exclusions(const struct ledger *ledger);

/* Devices that are waiting to be confirmed. */
uint32_t ledger_unconfirmed(const struct ledger *ledger);

/* A member's device by its number. */
const struct ledger_device *ledger_device_by_number(const struct ledger *ledger, uint32_t member,
						    uint32_t number);

/* Are both keys devices of one member? */
bool ledger_same_member(const struct ledger *ledger, const uint8_t *key, const uint8_t *other);

/*
 * May this member have one device more, called so? SOTTO_ERR_INVALID: the name; _DENIED: the member is out;
 * _LIMIT: no place is left; _EXISTS: it has a device of that name.
 */
MUST_USE enum sotto_err ledger_place_check(const struct ledger *ledger, uint32_t member,
					   struct bytes name);

const struct ledger_invitation_entry *ledger_invitation_by_key(const struct ledger *ledger,
							       const uint8_t *key);

bool ledger_is_admin(const struct ledger *ledger, const uint8_t *key);
uint32_t ledger_admin_count(const struct ledger *ledger);
const uint8_t *ledger_admin_at(const struct ledger *ledger, uint32_t position);
uint32_t ledger_threshold(const struct ledger *ledger);

/* Lists of admins so far: the founding entry's has number 1, each `admins` entry makes another one. */
uint64_t ledger_admins_serial(const struct ledger *ledger);

struct ledger_admin_list {
	uint32_t threshold;
	uint32_t count;
	struct ledger_admin_keys admins[LEDGER_ADMINS_MAX]; /* ascending by the device's key */
};

/* The list with that number: what a relay that is behind has. SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err ledger_admins_at(const struct ledger *ledger, uint64_t serial,
					 struct ledger_admin_list *list);

/* Does an entry with this id stand in it? */
bool ledger_has(const struct ledger *ledger, const uint8_t *id);

/* Until the threshold is 2, every phone shows it. */
bool ledger_one_person_controls(const struct ledger *ledger);

/*
 * May this key be a leaf? of *everyone*: enrolled and not revoked; of a conversation: confirmed too, for
 * a newcomer is kept out until somebody compared the words with him.
 */
bool ledger_allows_leaf(const struct ledger *ledger, const uint8_t *key, bool conversation);

/* Does the extension have so many digits (of this network), without a leading zero? */
bool ledger_digits_fit(uint8_t digits, uint32_t extension);
bool ledger_extension_fits(const struct ledger *ledger, uint32_t extension);

/* Is the extension nobody's, and not promised by an invitation open at now_ms? */
bool ledger_extension_free(const struct ledger *ledger, uint32_t extension, uint64_t now_ms);

/* ---- What holds for the whole network ---- */

/* Of the newest policy entry, or what holds without one: 14 days, nothing disappears, 12 hours, everything on. */
void ledger_policy(const struct ledger *ledger, struct ledger_policy *policy);
/* Index of the entry that says so; 0: none does. */
uint64_t ledger_policy_index(const struct ledger *ledger);

/* How many; which one: 0 orders. Its address borrows for the ledger's life. SOTTO_ERR_NOT_FOUND. */
uint32_t ledger_relay_count(const struct ledger *ledger);
MUST_USE enum sotto_err ledger_relay_at(const struct ledger *ledger, uint32_t position,
					struct ledger_relay *relay);

/* NULL: no entry names it. Borrows until the next append; the name, for the ledger's life. */
const struct ledger_release *ledger_release_by_hash(const struct ledger *ledger,
						    const uint8_t *hash);
const struct ledger_release *ledger_release_by_number(const struct ledger *ledger, uint32_t number);
/* NULL: there is none. */
const struct ledger_release *ledger_release_newest(const struct ledger *ledger);

/*
 * Is the device's member suspended at this time? From the stated time on for a day. Who was an admin's phone with a wrong
 * clock suspends for another day, and for no longer.
 */
bool ledger_suspended(const struct ledger *ledger, const uint8_t *key, uint64_t at_ms);
/* Has the membership of this device's member ended by then? */
bool ledger_expired(const struct ledger *ledger, const uint8_t *key, uint64_t at_ms);

/* From then on nobody is suspended; 0: nobody ever was. Members whose membership has ended by then, and who are not
 * revoked; when the next one ends, UINT64_MAX: none does. */
uint64_t ledger_suspended_until(const struct ledger *ledger);
uint32_t ledger_ended(const struct ledger *ledger, uint64_t at_ms);
uint64_t ledger_next_end(const struct ledger *ledger, uint64_t at_ms);

#endif
