/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What phone and relay say to each other, one line a field:
 *
 *   X(self, KIND, name, limit, item, words)     limit: length, maximum length, or maximum count of
 * items
 *
 * C structures, encoder, decoder, fuzzer and the tables of docs/protocol.md all come from these
 * lines. One request travels on one bidirectional stream that the phone opens and finishes; the
 * relay answers on it. Numbers are only appended.
 */
#ifndef WIRE_SCHEMA_RELAY_H
#define WIRE_SCHEMA_RELAY_H

#include "wire/limits.h"

/* S(family, name, number, words); a PART has no number: it is an item of lists. */
#define WIRE_RELAY_STRUCTURES(S) \
	S(PART, record, 0, "One sealed record of a drop") \
	S(PART, placed, 0, "Where an appended record stands") \
	S(PART, admin_key, 0, "One admin's rotation key; the relay knows no name to it") \
	S(PART, approval, 0, "One admin's signature") \
	S(RELAY, append, 1, "Append records to a drop; creates it if it is not there") \
	S(RELAY, read, 2, "Read a drop from a sequence on; answered by batches up to its end") \
	S(RELAY, watch, 3, "Like read, but the stream stays open and what comes is pushed") \
	S(RELAY, trim, 4, "Erase the beginning of an inbox") \
	S(RELAY, room_join, 5, "Enter the room of a token") \
	S(RELAY, room_leave, 6, "Leave a room") \
	S(RELAY, hello, 7, "The first request of a link: asks what this link may do") \
	S(RELAY, found, 8, "Found the network; only a link on the claim may, once") \
	S(RELAY, key_install, 9, "Install the next access key") \
	S(RELAY, key_prove, 10, "Prove that this link's phone has the newest access key") \
	S(RELAY, admins_change, 11, "Replace rotation keys and threshold") \
	S(RELAY, porch_install, 12, "Replace the porch key and the porch drop") \
	S(RELAY, done, 64, "How a request ended, where no other answer says it") \
	S(RELAY, appended, 65, "The records are stored durably") \
	S(RELAY, batch, 66, "Records of a drop, in order") \
	S(RELAY, room_joined, 67, "The link is in the room") \
	S(RELAY, link_state, 68, "What this link may do") \
	S(DATAGRAM, datagram, 0, "A sealed voice packet; equally long up and down")

#define WIRE_FIELDS_record(X, self) \
	X(self, RECORD, sealed, WIRE_RECORD_LEN_MAX, none, "exactly 1, 4, 16 or 64 KiB")

#define WIRE_FIELDS_placed(X, self) \
	X(self, U64, sequence, 0, none, "its sequence in the drop, counted from 1")

#define WIRE_FIELDS_admin_key(X, self) X(self, FIXED, key, WIRE_KEY_LEN, none, "Ed25519 public key")

#define WIRE_FIELDS_approval(X, self) \
	X(self, U8, admin, 0, none, "index of the rotation key in the network's list, ascending") \
	X(self, FIXED, signature, WIRE_SIGNATURE_LEN, none, "Ed25519, over what the request names")

#define WIRE_FIELDS_append(X, self) \
	X(self, FIXED, append_token, WIRE_TOKEN_LEN, none, "shows that the phone may append") \
	X(self, FIXED, read_token_hash, WIRE_HASH_LEN, none, "hash of the drop's read token") \
	X(self, U8, flags, 0, none, "1 inbox, 2 readable in catch-up, 4 file") \
	X(self, LIST, records, WIRE_RECORDS_MAX, record, "at least one; all are stored or none")

#define WIRE_FIELDS_read(X, self) \
	X(self, FIXED, append_token_hash, WIRE_HASH_LEN, none, "hash of the drop's append token") \
	X(self, FIXED, read_token, WIRE_TOKEN_LEN, none, "shows that the phone may read") \
	X(self, U8, flags, 0, none, "the drop's flags") \
	X(self, U64, from_sequence, 0, none, "the first sequence wanted, counted from 1") \
	X(self, U32, max_bytes, 0, none, \
	  "stop after about so many bytes of records; 0: no such limit")

#define WIRE_FIELDS_watch(X, self) \
	X(self, FIXED, append_token_hash, WIRE_HASH_LEN, none, "hash of the drop's append token") \
	X(self, FIXED, read_token, WIRE_TOKEN_LEN, none, "shows that the phone may read") \
	X(self, U8, flags, 0, none, "the drop's flags") \
	X(self, U64, from_sequence, 0, none, "the first sequence wanted, counted from 1")

#define WIRE_FIELDS_trim(X, self) \
	X(self, FIXED, append_token_hash, WIRE_HASH_LEN, none, "hash of the drop's append token") \
	X(self, FIXED, read_token, WIRE_TOKEN_LEN, none, "shows that the phone may read") \
	X(self, U8, flags, 0, none, "the drop's flags; must have inbox") \
	X(self, FIXED, incarnation, WIRE_INCARNATION_LEN, none, "of the drop that was read") \
	X(self, U64, up_to_sequence, 0, none, "the last sequence to erase") \
	X(self, FIXED, running_hash, WIRE_HASH_LEN, none, \
	  "the running hash there, as the phone has read it")

#define WIRE_FIELDS_room_join(X, self) \
	X(self, FIXED, room_token, WIRE_TOKEN_LEN, none, "who has it is in the call")

#define WIRE_FIELDS_room_leave(X, self) X(self, U8, room, 0, none, "this link's index of the room")

#define WIRE_FIELDS_hello(X, self)	X(self, U8, version, 0, none, "of this protocol: 1")

#define WIRE_FIELDS_found(X, self) \
	X(self, FIXED, network, WIRE_HASH_LEN, none, "network id") \
	X(self, U8, threshold, 0, none, "k: how many admins install keys and change admins") \
	X(self, LIST, admins, WIRE_ADMINS_MAX, admin_key, "their rotation keys, all different") \
	X(self, FIXED, access_key, WIRE_KEY_LEN, none, "access key number 1; replaces the claim") \
	X(self, FIXED, porch_key, WIRE_KEY_LEN, none, "what invitation cards carry") \
	X(self, FIXED, porch_drop, WIRE_HASH_LEN, none, \
	  "name of the one drop to which a porch link appends")

#define WIRE_FIELDS_key_install(X, self) \
	X(self, U64, number, 0, none, "the current number plus one") \
	X(self, FIXED, access_key, WIRE_KEY_LEN, none, "the key") \
	X(self, LIST, approvals, WIRE_ADMINS_MAX, approval, "k of the admins, over number and key")

#define WIRE_FIELDS_key_prove(X, self) \
	X(self, U64, number, 0, none, "the newest access key's number") \
	X(self, FIXED, mac, WIRE_MAC_LEN, none, \
	  "possession of that key, over this link's TLS exporter")

#define WIRE_FIELDS_admins_change(X, self) \
	X(self, U64, serial, 0, none, "the current serial of the admins' list plus one") \
	X(self, U8, threshold, 0, none, "the new k") \
	X(self, LIST, admins, WIRE_ADMINS_MAX, admin_key, "the new rotation keys, all different") \
	X(self, LIST, approvals, WIRE_ADMINS_MAX, approval, \
	  "k of the present admins, over all of this")

#define WIRE_FIELDS_porch_install(X, self) \
	X(self, U64, number, 0, none, "the current porch number plus one") \
	X(self, FIXED, porch_key, WIRE_KEY_LEN, none, "the key") \
	X(self, FIXED, porch_drop, WIRE_HASH_LEN, none, "name of the porch drop") \
	X(self, LIST, approvals, WIRE_ADMINS_MAX, approval, "k of the admins, over all of this")

#define WIRE_FIELDS_done(X, self) \
	X(self, U8, status, 0, none, "see the table of statuses") \
	X(self, U32, retry_ms, 0, none, \
	  "when to try again; 0 unless the status says over quota or busy")

#define WIRE_FIELDS_appended(X, self) \
	X(self, FIXED, incarnation, WIRE_INCARNATION_LEN, none, "of the drop") \
	X(self, LIST, placed, WIRE_RECORDS_MAX, placed, \
	  "one for each record of the request, in its order") \
	X(self, U64, end_sequence, 0, none, "the drop's last sequence") \
	X(self, FIXED, running_hash, WIRE_HASH_LEN, none, "the running hash there")

#define WIRE_FIELDS_batch(X, self) \
	X(self, FIXED, drop, WIRE_HASH_LEN, none, "name of the drop") \
	X(self, FIXED, incarnation, WIRE_INCARNATION_LEN, none, \
	  "another one than before: the drop was lost") \
	X(self, U64, before_sequence, 0, none, "the sequence before the first record") \
	X(self, FIXED, before_hash, WIRE_HASH_LEN, none, "the running hash there") \
	X(self, LIST, records, WIRE_RECORDS_MAX, record, \
	  "consecutive; none: the reader has everything") \
	X(self, U64, end_sequence, 0, none, "the sequence of the last record, or before_sequence") \
	X(self, U64, newest_sequence, 0, none, \
	  "the drop's last sequence at this time; not signed") \
	X(self, FIXED, running_hash, WIRE_HASH_LEN, none, "the running hash at end_sequence") \
	X(self, FIXED, signature, WIRE_SIGNATURE_LEN, none, \
	  "by the relay's key, over drop, incarnation, end_sequence and running_hash")

#define WIRE_FIELDS_room_joined(X, self) \
	X(self, U8, room, 0, none, "this link's index of the room") \
	X(self, U16, slot, 0, none, "the link's slot in it; no other link ever has it")

#define WIRE_FIELDS_link_state(X, self) \
	X(self, U8, version, 0, none, "of this protocol that the relay speaks") \
	X(self, U8, authority, 0, none, "1 claim, 2 porch, 3 catch-up, 4 full") \
	X(self, FIXED, network, WIRE_HASH_LEN, none, "network id; zeros before founding") \
	X(self, U64, key_number, 0, none, "the newest access key's number") \
	X(self, U64, admins_serial, 0, none, "the serial of the admins' list") \
	X(self, U64, porch_number, 0, none, "the porch key's number") \
	X(self, U32, prove_within_ms, 0, none, \
	  "until then key_prove must come; 0: nothing to prove") \
	X(self, U32, retention_hours, 0, none, "how long records live")

#define WIRE_FIELDS_datagram(X, self) \
	X(self, U8, room, 0, none, "up: the sender's index of the room; down: the receiver's") \
	X(self, U16, slot, 0, none, "up: 0; down: the sender's slot, written by the relay") \
	X(self, REST, payload, WIRE_DATAGRAM_PAYLOAD_MAX, none, "sealed by the phones of the call")

#endif
