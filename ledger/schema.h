/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of ledger entries and of invitations, one line each (the form is that of
 * wire/schema_relay.h). Structures, encoder, decoder, fuzzer and the tables of docs/protocol.md follow.
 */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "wire/define.h"

#define LEDGER_VERSION	     1
#define LEDGER_KEY_LEN	     32 /* Ed25519 and X25519 public keys */
#define LEDGER_PRIVATE_LEN   32 /* an Ed25519 seed */
#define LEDGER_SIGNATURE_LEN 64
#define LEDGER_HASH_LEN	     32 /* SHA-256: network, head, token hashes */
#define LEDGER_ID_LEN	     16
#define LEDGER_NAME_MAX	     64		     /* bytes of UTF-8: what fits a line of every screen */
#define LEDGER_ADDRESS_MAX   255	     /* HOST:PORT of a relay */
#define LEDGER_ADMINS_MAX    WIRE_ADMINS_MAX /* the relay keeps as many rotation keys */
#define LEDGER_BODY_MAX	     2048
#define LEDGER_ENTRY_LEN_MAX 4096
#define LEDGER_DIGITS_MIN    3
#define LEDGER_DIGITS_MAX    5

/* 10,000 phones, each invited, enrolled, confirmed, renewed and revoked a few times. */
#define LEDGER_ENTRIES_MAX (UINT32_C(1) << 20)
#define LEDGER_MEMBERS_MAX 100000
#define LEDGER_DEVICES_MAX (2 * LEDGER_MEMBERS_MAX)

/* Devices that a member has at a time: an invitation names how many places it has, up to so many. A founder,
 * whom nobody invites, has a place for each. What a person carries; each is a leaf in every conversation. */
#define LEDGER_PLACES_MAX 4

/* A network's relays at a time: the one that orders, and others beside it. */
#define LEDGER_RELAYS_MAX   4

#define LEDGER_VERSION_MAX  32 /* bytes of a release's name */
#define LEDGER_RELEASES_MAX 4096

/* One admin alone may keep somebody quiet for so long, and so many at a time. */
#define LEDGER_SUSPEND_MS    UINT64_C(86400000)
#define LEDGER_SUSPENDED_MAX 3

/* What a policy may say. */
#define LEDGER_DAY_MS	     UINT64_C(86400000)
#define LEDGER_RETENTION_MIN LEDGER_DAY_MS
#define LEDGER_RETENTION_MAX (365 * LEDGER_DAY_MS)
#define LEDGER_DISAPPEAR_MIN UINT64_C(30000)
#define LEDGER_DISAPPEAR_MAX (365 * LEDGER_DAY_MS)
#define LEDGER_BEAT_MIN	     UINT64_C(3600000)
#define LEDGER_BEAT_MAX	     (30 * LEDGER_DAY_MS)

#define LEDGER_FIELDS_signature(X, self) \
	X(self, FIXED, key, LEDGER_KEY_LEN, none, "who signs: the key of a device") \
	X(self, FIXED, signature, LEDGER_SIGNATURE_LEN, none, \
	  "Ed25519 over `sotto ledger act 1`, network and act")

#define LEDGER_FIELDS_envelope(X, self) \
	X(self, OPAQUE, act, LEDGER_ENTRY_LEN_MAX, none, "an encoded act") \
	X(self, LIST, signatures, LEDGER_ADMINS_MAX, ledger_signature, \
	  "in ascending order of their keys, no key twice")

#define LEDGER_FIELDS_act(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, U8, action, 0, none, "see the table of actions") \
	X(self, FIXED, id, LEDGER_ID_LEN, none, "random; an id is in the ledger once") \
	X(self, U64, base_length, 0, none, \
	  "entries that the signers saw; 0 in a founding entry only") \
	X(self, FIXED, base_head, LEDGER_HASH_LEN, none, "the head after these") \
	X(self, U64, stated_ms, 0, none, "UTC as the signers state it") \
	X(self, OPAQUE, body, LEDGER_BODY_MAX, none, "as the action has it")

#define LEDGER_FIELDS_found(X, self) \
	X(self, FIXED, nonce, LEDGER_HASH_LEN, none, "random: two networks of one name are two") \
	X(self, OPAQUE, network_name, LEDGER_NAME_MAX, none, "for people") \
	X(self, U8, digits, 0, none, "of an extension: 3 to 5") \
	X(self, OPAQUE, relay_address, LEDGER_ADDRESS_MAX, none, "HOST:PORT") \
	X(self, FIXED, relay_key, LEDGER_KEY_LEN, none, "the relay's Ed25519 key") \
	X(self, U32, extension, 0, none, "the founder's") \
	X(self, OPAQUE, name, LEDGER_NAME_MAX, none, "the founder's") \
	X(self, FIXED, device_key, LEDGER_KEY_LEN, none, \
	  "of the founder's device: the first admin") \
	X(self, FIXED, rotation, LEDGER_KEY_LEN, none, \
	  "that device's rotation key: see admin_keys") \
	X(self, FIXED, inbox_read, LEDGER_HASH_LEN, none, "hash of its inbox's read token")

#define LEDGER_FIELDS_authorise(X, self) \
	X(self, FIXED, invitation_key, LEDGER_KEY_LEN, none, \
	  "public half of the key that the card carries") \
	X(self, U32, extension, 0, none, "the new member's") \
	X(self, OPAQUE, name, LEDGER_NAME_MAX, none, "the new member's") \
	X(self, U64, expires_ms, 0, none, "judged by the time that the sponsor states") \
	X(self, U8, devices, 0, none, "places for devices of the member, at a time: 1 to 4") \
	X(self, U64, until_ms, 0, none, "UTC: the membership's end, after `expires_ms`; 0: none")

#define LEDGER_FIELDS_enrol(X, self) \
	X(self, FIXED, invitation_key, LEDGER_KEY_LEN, none, "of the invitation that is used up") \
	X(self, FIXED, device_key, LEDGER_KEY_LEN, none, "Ed25519; it signs in MLS too") \
	X(self, FIXED, inbox_read, LEDGER_HASH_LEN, none, "hash of its inbox's read token") \
	X(self, FIXED, by_invitation, LEDGER_SIGNATURE_LEN, none, \
	  "by the invitation's key over `sotto ledger enrol 1`, network and the three fields " \
	  "above") \
	X(self, FIXED, by_device, LEDGER_SIGNATURE_LEN, none, "by the device's key over the same")

#define LEDGER_FIELDS_subject(X, self) \
	X(self, FIXED, device_key, LEDGER_KEY_LEN, none, "the device whom it is about")

#define LEDGER_FIELDS_admin_keys(X, self) \
	X(self, FIXED, key, LEDGER_KEY_LEN, none, "of a confirmed device") \
	X(self, FIXED, rotation, LEDGER_KEY_LEN, none, \
	  "its rotation key, by which the relay knows this admin: Ed25519")

#define LEDGER_FIELDS_admins(X, self) \
	X(self, U8, threshold, 0, none, "k: 1 <= k <= n - 1 once n > 1") \
	X(self, LIST, keys, LEDGER_ADMINS_MAX, ledger_admin_keys, \
	  "ascending by the device's key, no two alike, and no rotation key twice")

#define LEDGER_FIELDS_further(X, self) \
	X(self, FIXED, approver, LEDGER_KEY_LEN, none, "the device that signs the entry") \
	X(self, FIXED, card_key, LEDGER_KEY_LEN, none, \
	  "public half of the key that the card carries") \
	X(self, FIXED, device_key, LEDGER_KEY_LEN, none, "Ed25519; it signs in MLS too") \
	X(self, FIXED, inbox_read, LEDGER_HASH_LEN, none, "hash of its inbox's read token") \
	X(self, OPAQUE, name, LEDGER_NAME_MAX, none, "what its person calls it") \
	X(self, FIXED, by_card, LEDGER_SIGNATURE_LEN, none, \
	  "by the card's key over `sotto ledger further 1`, network and the five fields above") \
	X(self, FIXED, by_device, LEDGER_SIGNATURE_LEN, none, "by the device's key over the same")

#define LEDGER_FIELDS_place(X, self) \
	X(self, FIXED, approver, LEDGER_KEY_LEN, none, "the device that made the card") \
	X(self, OPAQUE, name, LEDGER_NAME_MAX, none, "of the device that the card is for")

#define LEDGER_FIELDS_invitation(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, FIXED, network, LEDGER_HASH_LEN, none, "network id") \
	X(self, FIXED, private_key, LEDGER_PRIVATE_LEN, none, \
	  "Ed25519 seed; its public half is signed") \
	X(self, OPAQUE, relay_address, LEDGER_ADDRESS_MAX, none, "HOST:PORT") \
	X(self, FIXED, relay_key, LEDGER_KEY_LEN, none, "the relay's Ed25519 key") \
	X(self, U64, porch_number, 0, none, "of the porch key") \
	X(self, FIXED, porch_key, LEDGER_KEY_LEN, none, "opens a link that may do little") \
	X(self, FIXED, porch_append, LEDGER_KEY_LEN, none, "append token of the porch drop") \
	X(self, FIXED, porch_read, LEDGER_HASH_LEN, none, "hash of its read token") \
	X(self, U64, ledger_length, 0, none, "entries up to the one that made the invitation") \
	X(self, FIXED, ledger_head, LEDGER_HASH_LEN, none, "the head after these") \
	X(self, U32, extension, 0, none, "of who is invited") \
	X(self, OPAQUE, name, LEDGER_NAME_MAX, none, "of who is invited") \
	X(self, U64, expires_ms, 0, none, "UTC") \
	X(self, LIST, further, 1, ledger_place, \
	  "of a card for a further device of a member; else empty")

#define LEDGER_FIELDS_term(X, self) \
	X(self, FIXED, device_key, LEDGER_KEY_LEN, none, "a device of the member") \
	X(self, U64, until_ms, 0, none, "UTC: the membership's end; 0: none")

#define LEDGER_FIELDS_policy(X, self) \
	X(self, U64, retention_ms, 0, none, "how long a relay keeps records: 1 to 365 days") \
	X(self, U64, disappear_ms, 0, none, \
	  "after which messages go from phones, where nobody says otherwise: 30 s to 365 days; " \
	  "0: they stay") \
	X(self, U64, disappear_max_ms, 0, none, "the longest that anybody may say; 0: no limit") \
	X(self, U64, beat_ms, 0, none, "a leaf is renewed that often at least: 1 hour to 30 days") \
	X(self, U32, release_min, 0, none, "number of the oldest release that may speak; 0: any") \
	X(self, U32, features_off, 0, none, \
	  "bits of what is switched off: see the table of features") \
	X(self, U8, bitrates, 0, none, \
	  "bits of what a call may use: 1 12, 2 16, 4 24, 8 32 kbit/s; not 0")

#define LEDGER_FIELDS_relay(X, self) \
	X(self, OPAQUE, address, LEDGER_ADDRESS_MAX, none, "HOST:PORT") \
	X(self, FIXED, key, LEDGER_KEY_LEN, none, "the relay's Ed25519 key")

#define LEDGER_FIELDS_relays(X, self) \
	X(self, LIST, relays, LEDGER_RELAYS_MAX, ledger_relay, \
	  "the first one orders; no address and no key twice")

#define LEDGER_FIELDS_release(X, self) \
	X(self, U32, number, 0, none, "counts up") \
	X(self, OPAQUE, version, LEDGER_VERSION_MAX, none, "its name, for people") \
	X(self, FIXED, hash, LEDGER_HASH_LEN, none, "SHA-256 of the release's file")

/* S(name, words): in the order of the tables in docs/protocol.md. */
#define LEDGER_STRUCTURES(S) \
	S(admin_keys, "An admin: a device's keys") \
	S(signature, "One signature") \
	S(envelope, "An entry as it stands in the ledger") \
	S(act, "What the signatures of an entry cover") \
	S(found, "Body of `found`, signed by the founder's device") \
	S(authorise, "Body of `authorise`, an admin act: an invitation") \
	S(enrol, "Body of `enrol`, signed by a sponsor") \
	S(subject, "Body of `confirm`, `revoke`, `retire` and `suspend`") \
	S(admins, "Body of `admins`, an admin act") \
	S(invitation, "What a card carries, before its text form") \
	S(further, "Body of `further`, signed by a device of the same member") \
	S(place, "Whose further device a card is for") \
	S(policy, "Body of `policy`, an admin act") \
	S(relay, "One relay") \
	S(relays, "Body of `relays`, an admin act") \
	S(release, "Body of `release`, an admin act") \
	S(term, "Body of `term`, an admin act")

#define LEDGER_DECLARE(name, words) WIRE_STRUCT(ledger_##name, LEDGER_FIELDS_##name)
LEDGER_STRUCTURES(LEDGER_DECLARE)
#undef LEDGER_DECLARE

/* All of them, for the fuzzer and the tables. */
extern const struct wire_type *const ledger_types[];
extern const size_t ledger_type_count;

#endif
