/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and reading the entries of the ledger: an envelope that is the same for all actions, signed
 * whole, and a body that each action has of its own. The fields are in ledger/schema.h.
 *
 *   envelope { act { version, action, id, base, time, body } , signatures }
 *
 * Making one: ledger_draft_init, then ledger_draft_sign by each signer, then ledger_draft_encode.
 */
#ifndef LEDGER_ENTRY_H
#define LEDGER_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/writer.h"
#include "ledger/schema.h"

/* Numbers are only appended. What has no rule in append.c yet is refused as a whole entry, so that
 * phones of one version agree; a later version gives it its rule. */
enum ledger_action {
	LEDGER_FOUND = 1,
	LEDGER_AUTHORISE = 2, /* admin act: invite a member */
	LEDGER_ENROL = 3,     /* a sponsor: the invited device is there */
	LEDGER_CONFIRM = 4,   /* a member compared the words with the newcomer */
	LEDGER_RENEW = 5,     /* reserved */
	LEDGER_REVOKE = 6,    /* admin act: a member is out with all devices, for good */
	LEDGER_SUSPEND = 7,   /* one admin, for a day: nothing is sent to a member */
	LEDGER_POLICY = 8,    /* admin act: what holds on every phone */
	LEDGER_ADMINS = 9,    /* admin act: who the admins are and how many must sign */
	LEDGER_RELAYS = 10,   /* admin act: which relays there are, and which of them orders */
	LEDGER_RELEASE = 11,  /* admin act: a program that phones may run */
	LEDGER_FURTHER = 12,  /* a member's device: another one of the same person */
	LEDGER_RETIRE =
		13, /* one device of several is out, for good: by its person, or an admin act */
	LEDGER_TERM = 14, /* admin act: when a membership ends */
};

/* Bits of a policy's features_off. */
enum ledger_feature {
	LEDGER_FEATURE_CALLS = 1,
	LEDGER_FEATURE_GROUPS = 2,
	LEDGER_FEATURE_HISTORY = 4, /* what was said before, for a further device */
	LEDGER_FEATURE_EXPORT = 8,
	LEDGER_FEATURE_READ = 16, /* telling that something was read */
};
#define LEDGER_FEATURES UINT32_C(31)

/* Bits of a policy's bitrates. */
enum ledger_bitrate {
	LEDGER_BITRATE_12 = 1,
	LEDGER_BITRATE_16 = 2,
	LEDGER_BITRATE_24 = 4,
	LEDGER_BITRATE_32 = 8,
};
#define LEDGER_BITRATES 15

/* A decoded entry; spans borrow from the bytes it was decoded from. */
struct ledger_entry {
	struct ledger_act act;
	struct bytes to_sign; /* the act as encoded */
	uint8_t signature_count;
	struct ledger_signature signatures[LEDGER_ADMINS_MAX];
};

union ledger_body {
	struct ledger_found found;
	struct ledger_authorise authorise;
	struct ledger_enrol enrol;
	struct ledger_subject subject;
	struct ledger_admins admins;
	struct ledger_further further;
	struct ledger_policy policy;
	struct ledger_relays relays;
	struct ledger_release release;
	struct ledger_term term;
};

/* The envelope. SOTTO_ERR_VERSION, _FORMAT, _LIMIT. */
MUST_USE enum sotto_err ledger_entry_decode(struct bytes input, struct ledger_entry *entry);

/* The body of an action, checked for what can be checked without a ledger: names, digits, order of keys.
 * SOTTO_ERR_UNSUPPORTED for an action without a body here, _FORMAT, _INVALID, _LIMIT. */
MUST_USE enum sotto_err ledger_body_decode(uint8_t action, struct bytes input,
					   union ledger_body *body);
MUST_USE enum sotto_err ledger_body_encode(uint8_t action, const union ledger_body *body,
					   struct writer *writer);

/* A word for people: "authorise". NULL for a number that this version does not know. */
const char *ledger_action_name(uint8_t action);

/* A founding entry's network is the hash of what it signs. */
void ledger_entry_network(const struct ledger_entry *found, uint8_t *network);

/* Does `key` sign this entry for this network? SOTTO_ERR_VERIFY. */
MUST_USE enum sotto_err ledger_entry_verify(const struct ledger_entry *entry,
					    const uint8_t *network,
					    const struct ledger_signature *signature);

/* UTF-8, 1 to LEDGER_NAME_MAX bytes, no control and no direction-changing character. */
bool ledger_name_valid(struct bytes name);

/* A network of n admins may have this threshold: 1 <= k <= n - 1 once n > 1. */
bool ledger_threshold_fits(uint32_t threshold, uint32_t admins);

/* HOST:PORT in printable ASCII. */
bool ledger_address_valid(struct bytes address);

/*
 * The joiner's two signatures: by the invitation's key over the keys of the device, and by the device's
 * key over the same, so that nobody enrols a key that he does not have. Public halves are filled in.
 */
MUST_USE enum sotto_err ledger_enrol_sign(const uint8_t *network, struct bytes invitation_private,
					  struct bytes device_private, struct ledger_enrol *enrol);
MUST_USE enum sotto_err ledger_enrol_verify(const uint8_t *network,
					    const struct ledger_enrol *enrol);

/*
 * The same of a member's further device: approver, inbox_read and name are set before. It names who approves
 * it, so that no other member can enrol a phone that is not his.
 */
MUST_USE enum sotto_err ledger_further_sign(const uint8_t *network, struct bytes card_private,
					    struct bytes device_private,
					    struct ledger_further *further);
MUST_USE enum sotto_err ledger_further_verify(const uint8_t *network,
					      const struct ledger_further *further);

/* An entry in the making: encoded up to the signatures, and these. */
struct ledger_draft {
	uint8_t network[LEDGER_HASH_LEN];
	uint8_t act[LEDGER_BODY_MAX + 128]; /* encoded */
	size_t act_len;
	uint8_t signature_count;
	struct ledger_signature signatures[LEDGER_ADMINS_MAX];
};

/* For LEDGER_FOUND, network and base_head are NULL and base_length is 0. */
MUST_USE enum sotto_err ledger_draft_init(struct ledger_draft *draft, const uint8_t *network,
					  uint8_t action, const uint8_t *id, uint64_t base_length,
					  const uint8_t *base_head, uint64_t stated_ms,
					  const union ledger_body *body);

/* Of an entry that is there, with the signatures that it has. Errors as ledger_entry_decode. */
MUST_USE enum sotto_err ledger_draft_take(struct ledger_draft *draft, const uint8_t *network,
					  struct bytes entry);

/* Somebody else's signature. SOTTO_ERR_VERIFY, _EXISTS (one by that key is there), _LIMIT. */
MUST_USE enum sotto_err ledger_draft_put(struct ledger_draft *draft,
					 const struct ledger_signature *signature);

/* private_key: an Ed25519 seed. Signatures are kept in ascending order of their keys, as an entry must
 * have them; SOTTO_ERR_EXISTS for a second one by the same key. */
MUST_USE enum sotto_err ledger_draft_sign(struct ledger_draft *draft, struct bytes private_key);
MUST_USE enum sotto_err ledger_draft_encode(const struct ledger_draft *draft,
					    struct writer *writer);

#endif
