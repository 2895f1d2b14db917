/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands inside conversations, inboxes and the porch, one line a field (the form is that of
 * wire/schema_relay.h). Structures, encoder, decoder, fuzzer and the tables of docs/protocol.md follow.
 * What a phone keeps for itself is in talk/schema_store.h.
 */
#ifndef TALK_SCHEMA_H
#define TALK_SCHEMA_H

#include "ledger/schema.h"
#include "wire/define.h"

#define TALK_VERSION  1
#define TALK_TEXT_MAX 65536 /* bytes of UTF-8; more is a file */
#define TALK_BODY_MAX \
	65600 /* a text with what stands beside it; what does not fit one record is cut */
#define TALK_REACTION_MAX 40  /* of Unicode's list of emoji the longest has 35 */
#define TALK_READ_MAX	  512 /* messages that one receipt of reading names */
/*
 * Devices in one group. What follows from it with the suite MLKEM768X25519: a path over a tree without
 * parents has so many bytes for each of them, an added device 2,800 (8,192 at most), so no commit needs more
 * parts than:
 */
#define TALK_MEMBERS_MAX	1000
#define TALK_PATH_LEAF_LEN	1190
#define TALK_COMMIT_REST_LEN	65536 /* the path's own keys, the context, signatures */
#define TALK_MESSAGE_PARTS_MAX	70    /* 4 MiB: of a message in a conversation's drop */
#define TALK_UNFINISHED_MAX	4 /* such messages on their way in one drop; the oldest gives way */
#define TALK_GROUP_ID_LEN	32
#define TALK_MESSAGE_ID_LEN	16
#define TALK_CALL_MAX		256 /* a call message: call/message.h */
#define TALK_KEY_PACKAGE_MAX	8192
#define TALK_AUTHENTICATOR_LEN	32 /* the first bytes of the epoch authenticator of any suite */
#define TALK_GAPS_MAX		256
#define TALK_SENDERS_MAX	1024
#define TALK_PLEA_MAX		256
#define TALK_PLEA_FORM		2
#define TALK_FURTHER_FORM	3
#define TALK_BRANCH_FORM	4
#define TALK_BRANCH_MAX		64 /* epochs of a group whose commits a phone remembers */
#define TALK_BRANCH_CONTENT_MAX 4096
#define TALK_FURTHER_MAX	512
#define TALK_GROUP_NAME_MAX	64    /* bytes of UTF-8 */
#define TALK_PROPOSAL_ACTS_MAX	128   /* acts of the admins that are signed together */
#define TALK_PART_MAX		60000 /* one part, in one record */
/* A file fits its drop at the relay, which takes 16 MiB: a tree, a ledger and key packages of a full network do. */
#define TALK_FILE_PARTS_MAX 240
#define TALK_FILE_MAX	    (TALK_PART_MAX * (TALK_FILE_PARTS_MAX - 1))
#define TALK_FILE_FIRST \
	900 /* the first part is short: what costs little shows that the rest is there */
/* What is not longer stands in the parcel, which then still is a record of 16 KiB; a file costs a round trip. */
#define TALK_INLINE_MAX	      12000
#define TALK_WELCOME_MAX      32768 /* for one device and without a tree */
#define TALK_PARCEL_PARTS_MAX 2

#define TALK_INIT_KEY_MAX     1216 /* X-Wing */

/*
 * What was said before, from device to device of one person (give.c, take.c): letters in the giver's inbox, sheaves
 * in a drop of their own. One sheaf is on its way at a time, so no more than a MiB of it waits at the relay.
 */
#define TALK_LETTER_FORM	2 /* in an inbox, where a part of a parcel has 1 */
#define TALK_LETTER_CONTENT_MAX 2048
#define TALK_MARKS_FORM		3
#define TALK_MARKS_MAX		112 /* messages that a letter names: its content has room for them */
#define TALK_SHEAF_PARTS	16
#define TALK_SHEAF_MAX		(TALK_PART_MAX * TALK_SHEAF_PARTS)
#define TALK_SHEAF_CONTENT_MAX	(TALK_SHEAF_MAX - 128) /* signature and length beside it */
#define TALK_SHEAF_ITEMS_MAX	1024		       /* one step of the phone that takes them */
#define TALK_SHEAVES_MAX	1024 /* of one hand-over: 940 MiB; what is older stays */

/* Access secrets that a phone keeps: the four newest, which open a link, and the first, from which inboxes
 * and the porch follow. */
#define TALK_ACCESS_MAX 5

#define TALK_FIELDS_relay_word(X, self) \
	X(self, FIXED, drop, WIRE_HASH_LEN, none, "name of the drop") \
	X(self, FIXED, incarnation, WIRE_INCARNATION_LEN, none, "of it") \
	X(self, U64, end_sequence, 0, none, "what was signed") \
	X(self, FIXED, running_hash, WIRE_HASH_LEN, none, "what was signed") \
	X(self, FIXED, signature, WIRE_SIGNATURE_LEN, none, "by the relay's key")

#define TALK_FIELDS_frame(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, U8, type, 0, none, "of the body: see the table of types") \
	X(self, U64, serial, 0, none, \
	  "counts what this device sends into this group and wants acknowledged; 0: nothing of " \
	  "that") \
	X(self, U64, oldest, 0, none, "every serial before it is acknowledged by all or given up") \
	X(self, U64, sent_ms, 0, none, "UTC on the sender's phone") \
	X(self, U64, ledger_length, 0, none, "entries of the sender's ledger") \
	X(self, FIXED, ledger_head, LEDGER_HASH_LEN, none, "the head after these") \
	X(self, U64, everyone_epoch, 0, none, "the sender's epoch of *everyone*") \
	X(self, FIXED, everyone_authenticator, TALK_AUTHENTICATOR_LEN, none, \
	  "the first 32 bytes of its epoch authenticator") \
	X(self, U32, release, 0, none, \
	  "number of the release that it runs; 0: its ledger names none with that hash") \
	X(self, LIST, relay, 1, talk_relay_word, \
	  "the newest signature of the relay that it has for this conversation") \
	X(self, OPAQUE, body, TALK_BODY_MAX, none, "as the type has it")

#define TALK_FIELDS_text(X, self) \
	X(self, FIXED, reply_to, TALK_MESSAGE_ID_LEN, none, "id of a message; zeros: of none") \
	X(self, OPAQUE, text, TALK_TEXT_MAX, none, "UTF-8")

#define TALK_FIELDS_reaction_body(X, self) \
	X(self, FIXED, message, TALK_MESSAGE_ID_LEN, none, "id") \
	X(self, U32, number, 0, none, \
	  "from 1; of its sender's reactions to it the highest counts") \
	X(self, OPAQUE, reaction, TALK_REACTION_MAX, none, \
	  "one grapheme cluster; empty: taken back")

#define TALK_FIELDS_edit(X, self) \
	X(self, FIXED, message, TALK_MESSAGE_ID_LEN, none, "id, of a text of the same member") \
	X(self, U32, number, 0, none, "from 1; the highest counts, of equals the greater text") \
	X(self, OPAQUE, text, TALK_TEXT_MAX, none, "UTF-8, instead of what it said")

#define TALK_FIELDS_delete(X, self) \
	X(self, FIXED, message, TALK_MESSAGE_ID_LEN, none, "id, of a text of the same member")

#define TALK_FIELDS_message_id(X, self) X(self, FIXED, message, TALK_MESSAGE_ID_LEN, none, "id")

#define TALK_FIELDS_read(X, self) \
	X(self, LIST, messages, TALK_READ_MAX, talk_message_id, "that the sender has read")

#define TALK_FIELDS_gap(X, self) X(self, U64, serial, 0, none, "arrived, above the floor")

#define TALK_FIELDS_has(X, self) \
	X(self, FIXED, device_key, LEDGER_KEY_LEN, none, "whose messages") \
	X(self, U64, floor, 0, none, "everything up to this serial arrived, or was never for us") \
	X(self, LIST, above, TALK_GAPS_MAX, talk_gap, "ascending")

#define TALK_FIELDS_receipt(X, self) \
	X(self, LIST, has, TALK_SENDERS_MAX, talk_has, "what the sender of the receipt has")

#define TALK_FIELDS_call(X, self) \
	X(self, OPAQUE, message, TALK_CALL_MAX, none, "a message of the call: section Calls")

#define TALK_FIELDS_entry(X, self) \
	X(self, OPAQUE, entry, LEDGER_ENTRY_LEN_MAX, none, "an envelope of the ledger")

#define TALK_FIELDS_key_package(X, self) \
	X(self, OPAQUE, message, TALK_KEY_PACKAGE_MAX, none, \
	  "MLSMessage of a reusable key package of the sender's device")

#define TALK_FIELDS_context(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, U8, kind, 0, none, "1 *everyone*, 2 one to one, 3 a group; it never changes") \
	X(self, U64, ledger_length, 0, none, "*everyone*: entries at the commit; else 0") \
	X(self, FIXED, ledger_head, LEDGER_HASH_LEN, none, "the head after these") \
	X(self, OPAQUE, name, TALK_GROUP_NAME_MAX, none, "a group's: UTF-8; else empty")

#define TALK_FIELDS_leave(X, self) X(self, U8, version, 0, none, "1")

#define TALK_FIELDS_petition(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, OPAQUE, enrol, 512, none, "body of an `enrol` entry") \
	X(self, OPAQUE, key_package, TALK_KEY_PACKAGE_MAX, none, "MLSMessage") \
	X(self, FIXED, landing_append, WIRE_TOKEN_LEN, none, \
	  "append token of the joiner's first inbox")

#define TALK_FIELDS_further_petition(X, self) \
	X(self, U8, form, 0, none, "3: a petition has 1 here, a plea 2") \
	X(self, OPAQUE, further, TALK_FURTHER_MAX, none, "body of a `further` entry") \
	X(self, OPAQUE, key_package, TALK_KEY_PACKAGE_MAX, none, "MLSMessage") \
	X(self, FIXED, landing_append, WIRE_TOKEN_LEN, none, \
	  "append token of the joiner's first inbox")

#define TALK_FIELDS_stuck(X, self) \
	X(self, U8, reason, 0, none, \
	  "1 a commit, 2 a Welcome that does not come, 3 records are gone, 4 another history " \
	  "stays, 5 it is out") \
	X(self, U64, epoch, 0, none, "of that conversation, as far as the sender came") \
	X(self, FIXED, tag, LEDGER_HASH_LEN, none, "which conversation: see Brought back") \
	X(self, FIXED, commit, LEDGER_HASH_LEN, none, \
	  "hash of the commit that it cannot follow; else zeros") \
	X(self, FIXED, author, LEDGER_KEY_LEN, none, "the device that made it; else zeros")

#define TALK_FIELDS_plea_content(X, self) \
	X(self, FIXED, device_key, LEDGER_KEY_LEN, none, "who asks") \
	X(self, U64, stated_ms, 0, none, "UTC on its phone") \
	X(self, U64, epoch, 0, none, "of *everyone*, as far as it came") \
	X(self, U8, reason, 0, none, \
	  "1 a commit, 2 a Welcome that does not come, 3 records are gone, 4 another history " \
	  "stays") \
	X(self, FIXED, commit, LEDGER_HASH_LEN, none, \
	  "hash of the commit that it cannot follow; else zeros") \
	X(self, FIXED, author, LEDGER_KEY_LEN, none, "the device that made it; else zeros")

#define TALK_FIELDS_plea(X, self) \
	X(self, U8, form, 0, none, "2: a petition has 1 here") \
	X(self, OPAQUE, content, TALK_PLEA_MAX, none, "an encoded plea_content") \
	X(self, FIXED, signature, 64, none, \
	  "by the device's key over `sotto plea 1`, network and content")

#define TALK_FIELDS_part(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, \
	  "the same in all parts; of a parcel random, of a message see Large messages") \
	X(self, U16, number, 0, none, "from 0") \
	X(self, U16, count, 0, none, "of parts") \
	X(self, OPAQUE, bytes, TALK_PART_MAX, none, "joined they are the whole")

#define TALK_FIELDS_access(X, self) \
	X(self, U64, number, 0, none, "of the access key") \
	X(self, FIXED, secret, WIRE_KEY_LEN, none, \
	  "out of *everyone*'s exporter at the access epoch; see Access secret")

#define TALK_FIELDS_mark(X, self) \
	X(self, U64, epoch, 0, none, "") \
	X(self, FIXED, hash, LEDGER_HASH_LEN, none, \
	  "the first bytes of its confirmed transcript hash; of epoch 0 zeros")

#define TALK_FIELDS_branch_body(X, self) \
	X(self, FIXED, tag, LEDGER_HASH_LEN, none, "which conversation: see Forks") \
	X(self, U64, since, 0, none, "the epoch into which its sender came") \
	X(self, LIST, marks, TALK_BRANCH_MAX, talk_mark, "the newest first")

#define TALK_FIELDS_branch_content(X, self) \
	X(self, FIXED, device_key, LEDGER_KEY_LEN, none, "whose history it is") \
	X(self, U64, stated_ms, 0, none, "UTC on its phone") \
	X(self, U64, ledger_length, 0, none, "entries of its ledger") \
	X(self, FIXED, ledger_head, LEDGER_HASH_LEN, none, "the head after these") \
	X(self, U64, since, 0, none, "the epoch of *everyone* into which it came") \
	X(self, LIST, marks, TALK_BRANCH_MAX, talk_mark, "of *everyone*, the newest first")

#define TALK_FIELDS_branch_notice(X, self) \
	X(self, U8, form, 0, none, "4: a petition has 1 here") \
	X(self, OPAQUE, content, TALK_BRANCH_CONTENT_MAX, none, "an encoded branch_content") \
	X(self, FIXED, signature, 64, none, \
	  "by the device's key over `sotto branch notice 1`, network and content")

#define TALK_FIELDS_contents(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, OPAQUE, tree, TALK_FILE_MAX, none, \
	  "ratchet_tree of the GroupInfo, optional<Node> ratchet_tree\\<V\\>") \
	X(self, LIST, entries, LEDGER_ENTRIES_MAX, talk_entry, "*everyone* only: the ledger") \
	X(self, LIST, key_packages, LEDGER_MEMBERS_MAX, talk_key_package, \
	  "*everyone* only: the newest of each device") \
	X(self, LIST, marks, TALK_BRANCH_MAX, talk_mark, \
	  "which commits led to this epoch, the newest first")

#define TALK_FIELDS_file(X, self) \
	X(self, FIXED, append_token_hash, WIRE_HASH_LEN, none, "of its drop, whose flag is file") \
	X(self, FIXED, read_token, WIRE_TOKEN_LEN, none, "of its drop") \
	X(self, FIXED, record_key, WIRE_KEY_LEN, none, "of its records") \
	X(self, FIXED, hash, WIRE_HASH_LEN, none, "SHA-256 of what its parts are, joined") \
	X(self, U32, length, 0, none, "of that, in bytes")

#define TALK_FIELDS_parcel(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, U64, stated_ms, 0, none, "UTC on its sender's phone") \
	X(self, OPAQUE, welcome, TALK_WELCOME_MAX, none, "MLSMessage, for this device alone") \
	X(self, LIST, access, TALK_ACCESS_MAX, talk_access, \
	  "*everyone* only: the access secrets, the newest first, number 1 last") \
	X(self, OPAQUE, contents, TALK_INLINE_MAX, none, \
	  "an encoded contents; empty: it is in the file") \
	X(self, LIST, file, 1, talk_file, "where the contents are; none: here")

#define TALK_FIELDS_letter(X, self) \
	X(self, U8, form, 0, none, "2 asks, 3 says what was read: a part of a parcel has 1 here") \
	X(self, FIXED, device_key, LEDGER_KEY_LEN, none, "whose it is") \
	X(self, OPAQUE, content, TALK_LETTER_CONTENT_MAX, none, \
	  "an encoded history_ask, or read_marks") \
	X(self, FIXED, signature, 64, none, \
	  "by the device's key over `sotto history ask 1` or `sotto read marks 1`, network, name " \
	  "of the inbox and H(content)")

#define TALK_FIELDS_history_ask(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, "random: names this hand-over") \
	X(self, U64, stated_ms, 0, none, "UTC on its phone when this letter was sent") \
	X(self, U32, sheaves, 0, none, \
	  "so many it has taken; 0: none yet. Behind the first one the next three are empty") \
	X(self, OPAQUE, key, TALK_INIT_KEY_MAX, none, \
	  "public key of the suite's KEM, made for this: sheaves are sealed to it") \
	X(self, FIXED, append_token, WIRE_TOKEN_LEN, none, "of the drop for sheaves") \
	X(self, FIXED, read_hash, WIRE_HASH_LEN, none, "hash of that drop's read token")

#define TALK_FIELDS_history_reaction(X, self) \
	X(self, U32, member, 0, none, "id of whose it is") \
	X(self, U32, number, 0, none, "as in reaction_body") \
	X(self, OPAQUE, reaction, TALK_REACTION_MAX, none, "UTF-8; empty: taken back")

#define TALK_FIELDS_history_item(X, self) \
	X(self, U8, kind, 0, none, "1 a text, 2 a notice") \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, "of the message") \
	X(self, U32, peer, 0, none, \
	  "one to one: the other's member id; 0: of the group whose id begins with group") \
	X(self, U32, author, 0, none, "of a text: member id; else 0") \
	X(self, U32, from, 0, none, "of a notice: extension of who did it; 0: nobody; else 0") \
	X(self, U8, state, 0, none, "2 stored, 3 delivered, 4 received, 5 failed") \
	X(self, FIXED, group, TALK_MESSAGE_ID_LEN, none, "first bytes of the group id") \
	X(self, U64, epoch, 0, none, "where it stands, with the three around it") \
	X(self, U32, incarnation, 0, none, "so often the relay had lost the drop before") \
	X(self, U64, sequence, 0, none, "from 1") \
	X(self, U64, sent_ms, 0, none, "as its sender stated it") \
	X(self, U64, received_ms, 0, none, "on the giving device; 0: it was sent there") \
	X(self, U8, verb, 0, none, "of a notice: what was done") \
	X(self, U32, subject, 0, none, "of a notice: extension; 0: nobody") \
	X(self, FIXED, reply_to, TALK_MESSAGE_ID_LEN, none, "id of a message; zeros: of none") \
	X(self, U32, edits, 0, none, "number of the edit that the text is of; 0: of none") \
	X(self, U8, deleted, 0, none, "1: it was taken back, and has no text") \
	X(self, LIST, reactions, TALK_MEMBERS_MAX, talk_history_reaction, "one a member") \
	X(self, OPAQUE, text, TALK_TEXT_MAX, none, "UTF-8")

#define TALK_FIELDS_history_sheaf(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, "of the hand-over") \
	X(self, U32, number, 0, none, "from 1") \
	X(self, U8, last, 0, none, "1: nothing follows") \
	X(self, U32, conversation, 0, none, "so many of them are begun") \
	X(self, U32, conversations, 0, none, "of so many") \
	X(self, LIST, items, TALK_SHEAF_ITEMS_MAX, talk_history_item, \
	  "of a conversation the newest first; what was changed or taken back may come again")

#define TALK_FIELDS_sheaf(X, self) \
	X(self, OPAQUE, content, TALK_SHEAF_CONTENT_MAX, none, "an encoded history_sheaf") \
	X(self, FIXED, signature, 64, none, \
	  "by the giving device's key over `sotto history sheaf 1`, network, name of the drop " \
	  "and " \
	  "H(content)")

#define TALK_FIELDS_read_marks(X, self) \
	X(self, U8, version, 0, none, "1") \
	X(self, U32, peer, 0, none, \
	  "one to one: the other's member id; 0: of the group whose id begins with group") \
	X(self, FIXED, group, TALK_MESSAGE_ID_LEN, none, "one to one: zeros") \
	X(self, LIST, messages, TALK_MARKS_MAX, talk_message_id, "that were read")

#define TALK_FIELDS_proposal(X, self) \
	X(self, LIST, entries, TALK_PROPOSAL_ACTS_MAX, talk_entry, \
	  "admin acts, each with the sender's signature alone")

#define TALK_FIELDS_refusal(X, self) \
	X(self, FIXED, proposal, LEDGER_HASH_LEN, none, "which one: see Proposals")

#define TALK_FIELDS_approval(X, self) \
	X(self, U8, kind, 0, none, "1 `key_install`, 2 `admins_change`") \
	X(self, U64, number, 0, none, "of the access key, or the list's serial") \
	X(self, FIXED, signature, LEDGER_SIGNATURE_LEN, none, \
	  "by the sender's rotation key over what the relay is to be told")

/* S(name, words): an item stands before what lists it. */
#define TALK_STRUCTURES(S) \
	S(relay_word, "A signature of the relay over what it served") \
	S(frame, "Inside every application message") \
	S(text, "Body 1: a message to read") \
	S(gap, "One serial") \
	S(has, "What has arrived from one device") \
	S(receipt, "Body 2: end-to-end acknowledgement") \
	S(call, "Body 3: signalling of a call") \
	S(entry, "Body 4, *everyone* only: an entry for the ledger") \
	S(key_package, "Body 5, *everyone* only: how to add the sender's device") \
	S(leave, "Body 13, groups only: the sender leaves") \
	S(context, \
	  "Extension 0xf001 of every GroupContext, and the id of an external PSK in *everyone*") \
	S(petition, "What a joiner posts to the porch") \
	S(stuck, "Body 7, *everyone* only: asks to be added anew to a conversation") \
	S(plea_content, "What a plea says") \
	S(plea, "On the porch: a device asks to be added anew to *everyone*") \
	S(part, "Inside every inbox record, and where a message does not fit into one record") \
	S(access, "One access secret") \
	S(file, "A sealed file: where it is, and what opens it") \
	S(parcel, "How a device comes into a group") \
	S(contents, "What all who come into a group by one commit must be told alike") \
	S(reaction_body, "Body 9: what somebody thinks of a message") \
	S(edit, "Body 10: a message says something else now") \
	S(delete, "Body 11: a message is taken back") \
	S(message_id, "One message") \
	S(read, "Body 12: messages were read") \
	S(further_petition, \
	  "On the porch: a further device of a member asks its person to be let in") \
	S(letter, "In an inbox, from a device of the same person") \
	S(history_ask, "What a letter says that asks for what was said before") \
	S(history_reaction, "What somebody thinks of a message that is handed over") \
	S(history_item, "A message that is handed over, as it is on the giving device") \
	S(history_sheaf, "What a sheaf says") \
	S(sheaf, "Messages that are handed over; cut into parts of parcels") \
	S(mark, "Which commit led to an epoch") \
	S(branch_body, \
	  "Body 14, *everyone* only: the history of a conversation that may have two") \
	S(branch_content, "What a notice of the history of *everyone* says") \
	S(branch_notice, "On the porch: the history of *everyone*, which may have two") \
	S(read_marks, "What a letter says of what was read") \
	S(proposal, "Body 15, *everyone* only: an admin signs acts of the admins") \
	S(refusal, "Body 16, *everyone* only: an admin is against a proposal") \
	S(approval, "Body 17, *everyone* only: an admin's signature for the relay")

#define TALK_DECLARE(name, words) WIRE_STRUCT(talk_##name, TALK_FIELDS_##name)
TALK_STRUCTURES(TALK_DECLARE)
#undef TALK_DECLARE

extern const struct wire_type *const talk_types[];
extern const size_t talk_type_count;

/* Numbers are only appended; a type of a later version is acknowledged and shown as such. */
enum talk_body_type {
	TALK_BODY_TEXT = 1,
	TALK_BODY_RECEIPT = 2,
	TALK_BODY_CALL = 3,
	TALK_BODY_ENTRY = 4,
	TALK_BODY_KEY_PACKAGE = 5,
	TALK_BODY_BEACON = 6, /* empty: that it comes, and what time its frame states, is all */
	TALK_BODY_STUCK = 7,
	TALK_BODY_FILE = 8, /* reserved */
	TALK_BODY_REACTION = 9,
	TALK_BODY_EDIT = 10,
	TALK_BODY_DELETE = 11,
	TALK_BODY_READ = 12,
	TALK_BODY_LEAVE = 13,
	TALK_BODY_BRANCH = 14,
	TALK_BODY_PROPOSAL = 15,
	TALK_BODY_REFUSAL = 16,
	TALK_BODY_APPROVAL = 17,
};

#endif
