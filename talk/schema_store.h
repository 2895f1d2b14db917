/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone keeps of its conversations, one line a field (the form is that of wire/schema_relay.h).
 * Nothing here travels. Every structure begins with the version of the store's format.
 */
#ifndef TALK_SCHEMA_STORE_H
#define TALK_SCHEMA_STORE_H

#include "talk/schema.h"

#define TALK_STORE_VERSION  15
#define TALK_RECIPIENTS_MAX 20000
#define TALK_DROPS_MAX	    3 /* the present epoch's, and two before it */
#define TALK_OWN_MAX	    8192
#define TALK_SEED_MAX	    66
#define TALK_REF_MAX	    64 /* the longest hash of any suite */
/* Messages of one conversation that something waits for, and how much for each: 32 MiB at most, of people who
 * speak of messages that nobody has. */
#define TALK_WAITING_MAX      64
#define TALK_WAITING_EACH_MAX 8

#define TALK_FIELDS_kept_self(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U8, state, 0, none, "enum talk_state") \
	X(self, U64, rows, 0, none, "the last number given to a message row, group, item, parcel") \
	X(self, U64, stored_problems, 0, none, "full stops that outlive a restart") \
	X(self, U8, silent, 0, none, "it does not say what was read, nor does it hear it") \
	X(self, FIXED, device_seed, 32, none, "") \
	X(self, FIXED, device_key, 32, none, "") \
	X(self, FIXED, inbox_read, 32, none, "read token of our inboxes") \
	X(self, FIXED, rotation_seed, 32, none, "our rotation key at the relay, if admin") \
	X(self, FIXED, landing_append, 32, none, "joining: append token of the first inbox") \
	X(self, FIXED, claim, 32, none, "founding") \
	X(self, OPAQUE, invitation, LEDGER_INVITATION_MAX, none, \
	  "joining: as decoded from the text") \
	X(self, OPAQUE, entry, LEDGER_ENTRY_LEN_MAX, none, "founding: the first entry") \
	X(self, LIST, access, TALK_ACCESS_MAX, talk_access, "the newest first, number 1 last") \
	X(self, FIXED, inbox_incarnation, 16, none, "where we are in our inbox") \
	X(self, U64, inbox_sequence, 0, none, "") \
	X(self, FIXED, inbox_running, 32, none, "") \
	X(self, U64, beacon_ms, 0, none, "when our last sign of life was stored; 0: none was") \
	X(self, U64, fresh_ms, 0, none, "the time that an admin's phone stated last") \
	X(self, U64, discarded, 0, none, "commits of ours that came behind the winning one")

#define TALK_FIELDS_kept_own(X, self) \
	X(self, FIXED, hash, 32, none, "of a record of ours") \
	X(self, U64, serial, 0, none, "of the message in it; 0: none")

/* struct talk_place, where it stands in a row. */
#define TALK_FIELDS_PLACE(X, self) \
	X(self, FIXED, place_group, 16, none, "first bytes of the group id") \
	X(self, U64, place_epoch, 0, none, "") \
	X(self, U32, place_incarnation, 0, none, "the drop was lost so often before") \
	X(self, U64, place_sequence, 0, none, "0: not read back yet")

#define TALK_FIELDS_kept_key(X, self) \
	X(self, FIXED, key, 32, none, "of a device") \
	X(self, U8, acknowledged, 0, none, "")

#define TALK_FIELDS_kept_drop(X, self) \
	X(self, FIXED, append_token, 32, none, "") \
	X(self, FIXED, read_token, 32, none, "") \
	X(self, FIXED, record_key, 32, none, "") \
	X(self, U8, flags, 0, none, "") \
	X(self, U64, epoch, 0, none, "") \
	X(self, U8, known, 0, none, "was there already") \
	X(self, FIXED, incarnation, 16, none, "") \
	X(self, U64, sequence, 0, none, "the last record that was dealt with") \
	X(self, FIXED, running, 32, none, "the running hash there") \
	X(self, U64, winner, 0, none, "sequence of the winning commit; 0: none yet") \
	X(self, U32, incarnations, 0, none, "so many were lost before this one") \
	X(self, LIST, own, TALK_OWN_MAX, talk_kept_own, "sent and not read back yet") \
	X(self, U8, again, 0, none, "the relay lost our winning commit; it is being sent again")

#define TALK_FIELDS_kept_welcomed(X, self) \
	X(self, FIXED, key, 32, none, "of a device") \
	X(self, FIXED, init_key, TALK_INIT_KEY_MAX, none, \
	  "of its key package; zeros behind its length") \
	X(self, U16, init_key_len, 0, none, "") \
	X(self, FIXED, package_ref, TALK_REF_MAX, none, \
	  "KeyPackageRef; zeros behind what the suite's hash has") \
	X(self, FIXED, landing_append, 32, none, "zeros: to its regular inbox")

#define TALK_FIELDS_kept_arrived(X, self) \
	X(self, FIXED, device_key, 32, none, "") \
	X(self, U64, floor, 0, none, "") \
	X(self, LIST, above, TALK_GAPS_MAX, talk_gap, "") \
	X(self, U8, tell, 0, none, "a receipt is due")

#define TALK_FIELDS_kept_return(X, self) \
	X(self, FIXED, key, 32, none, "of a device") \
	X(self, U64, readded_ms, 0, none, "when it was last added anew; 0: never") \
	X(self, U64, epoch, 0, none, "into which that brought it") \
	X(self, U8, wanted, 0, none, "enum talk_return_why; 0: not")

#define TALK_FIELDS_kept_owed(X, self) \
	X(self, FIXED, key, 32, none, "of a device that was added and not heard since") \
	X(self, FIXED, adder, 32, none, "the device whose commit did that") \
	X(self, U64, epoch, 0, none, "into which that brought it")

#define TALK_FIELDS_kept_group(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, FIXED, id, TALK_GROUP_ID_LEN, none, "") \
	X(self, U8, kind, 0, none, "") \
	X(self, U32, peer, 0, none, "one to one: the other's member id") \
	X(self, U64, serial, 0, none, "the last that we gave to a message") \
	X(self, U8, update_due, 0, none, "our leaf came from a reusable key package") \
	X(self, U64, leaf_ms, 0, none, "when our leaf became what it is") \
	X(self, U64, spent_ms, 0, none, "until then the commits have used up the time") \
	X(self, U8, used, 0, none, "somebody said something since leaf_ms") \
	X(self, LIST, drops, TALK_DROPS_MAX, talk_kept_drop, "the present epoch's first") \
	X(self, LIST, arrived, TALK_SENDERS_MAX, talk_kept_arrived, "by sender") \
	X(self, U8, stuck, 0, none, "enum talk_stuck_why") \
	X(self, FIXED, stuck_commit, 32, none, "hash of the commit that we cannot follow") \
	X(self, FIXED, stuck_author, 32, none, "the device that made it") \
	X(self, U64, stuck_ms, 0, none, "since when") \
	X(self, U64, asked_ms, 0, none, "when we last asked to be added anew; 0: not yet") \
	X(self, U64, read_ms, 0, none, "when its drop was last read to its end, about") \
	X(self, LIST, returns, TALK_MEMBERS_MAX, talk_kept_return, \
	  "who was or will be added anew") \
	X(self, LIST, owed, TALK_MEMBERS_MAX, talk_kept_owed, "who has not been heard yet") \
	X(self, U8, left, 0, none, "we left when nobody else was in it")

#define TALK_FIELDS_kept_branch(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, LIST, marks, TALK_BRANCH_MAX, talk_mark, "the newest first") \
	X(self, U64, since, 0, none, "the epoch into which we came") \
	X(self, U8, doubt, 0, none, "there may be another history: ours is to be told") \
	X(self, U64, told_ms, 0, none, "when we last told it; 0: never") \
	X(self, U64, fork, 0, none, "the first epoch of ours that another one stays for; 0: none") \
	X(self, FIXED, fork_hash, 32, none, "what stays there") \
	X(self, FIXED, fork_by, 32, none, "the device that said so") \
	X(self, U64, vain_ms, 0, none, "since when we wait no longer; 0: we do") \
	X(self, U64, ahead, 0, none, "the epoch in which others of our history are; 0: none") \
	X(self, FIXED, ahead_hash, 32, none, "what they said led there")

#define TALK_FIELDS_kept_wish(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U8, kind, 0, none, "enum talk_wish_kind") \
	X(self, U32, member, 0, none, "whom; of a new name 0") \
	X(self, OPAQUE, name, TALK_GROUP_NAME_MAX, none, "the new one")

#define TALK_FIELDS_kept_record(X, self) X(self, RECORD, sealed, WIRE_RECORD_LEN_MAX, none, "")

#define TALK_FIELDS_kept_out(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U8, type, 0, none, "enum talk_body_type") \
	X(self, U64, serial, 0, none, "") \
	X(self, U64, row, 0, none, "texts: of TALK_TABLE_MESSAGES") \
	X(self, U64, sent_ms, 0, none, "") \
	X(self, U64, stored_ms, 0, none, "when the relay first had it; 0: not yet") \
	X(self, U8, stored, 0, none, "the relay has said that it is durable") \
	X(self, U8, seen, 0, none, "read back before the commit that ended its epoch") \
	X(self, U64, epoch, 0, none, "for which it was sealed") \
	X(self, U8, state, 0, none, "texts: enum talk_message_state of the row") \
	TALK_FIELDS_PLACE(X, self) \
	X(self, OPAQUE, body, TALK_BODY_MAX, none, "") \
	X(self, FIXED, parts_id, TALK_MESSAGE_ID_LEN, none, "zeros: it is in one piece") \
	X(self, LIST, records, TALK_MESSAGE_PARTS_MAX + 1, talk_kept_record, \
	  "none: not sealed yet") \
	X(self, LIST, recipients, TALK_RECIPIENTS_MAX, talk_kept_key, "when it was sealed")

#define TALK_FIELDS_kept_package(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, FIXED, device_key, 32, none, "whose it is") \
	X(self, OPAQUE, message, TALK_KEY_PACKAGE_MAX, none, "") \
	X(self, OPAQUE, init_key, TALK_SEED_MAX, none, "ours only") \
	X(self, OPAQUE, leaf_key, TALK_SEED_MAX, none, "ours only") \
	X(self, U64, made_ms, 0, none, "ours only") \
	X(self, U64, heard_ms, 0, none, "about when its device last said something in *everyone*") \
	X(self, U64, release, 0, none, "which one its device runs, and one; 0: it said nothing yet")

#define TALK_FIELDS_kept_commit(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, "of its parts; zeros: it is in one piece") \
	X(self, LIST, records, TALK_MESSAGE_PARTS_MAX + 1, talk_kept_record, "") \
	X(self, OPAQUE, welcome, TALK_FILE_MAX, none, "goes out when the commit has won") \
	X(self, LIST, welcomed, TALK_RECIPIENTS_MAX, talk_kept_welcomed, "to these devices")

#define TALK_FIELDS_kept_parcel(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U64, group, 0, none, "number of the group it leads into") \
	X(self, U64, epoch, 0, none, "the epoch of it that it leads into") \
	X(self, FIXED, device_key, 32, none, "to whom; done when it has spoken there") \
	X(self, FIXED, append_token, 32, none, "of the inbox") \
	X(self, FIXED, read_hash, 32, none, "") \
	X(self, U64, file, 0, none, "number of the file that it names; 0: none") \
	X(self, LIST, records, TALK_PARCEL_PARTS_MAX, talk_kept_record, "")

#define TALK_FIELDS_kept_file(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, FIXED, append_token, 32, none, "of its drop") \
	X(self, FIXED, read_hash, 32, none, "") \
	X(self, LIST, records, TALK_FILE_PARTS_MAX, talk_kept_record, "")

#define TALK_FIELDS_kept_invite(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, FIXED, private_key, 32, none, "") \
	X(self, FIXED, public_key, 32, none, "") \
	X(self, U32, extension, 0, none, "")

#define TALK_FIELDS_kept_reaction(X, self) \
	X(self, U32, member, 0, none, "id") \
	X(self, U32, extension, 0, none, "") \
	X(self, U32, number, 0, none, "") \
	X(self, OPAQUE, reaction, TALK_REACTION_MAX, none, "empty: taken back")

#define TALK_FIELDS_kept_person(X, self) \
	X(self, U32, member, 0, none, "id") \
	X(self, U32, extension, 0, none, "") \
	X(self, U8, state, 0, none, "enum talk_person_state") \
	X(self, U64, at_ms, 0, none, "on this phone")

#define TALK_FIELDS_kept_message(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U8, kind, 0, none, "enum talk_row_kind") \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, "") \
	X(self, U32, author, 0, none, "member id") \
	X(self, U32, from, 0, none, "extension") \
	X(self, U8, state, 0, none, "enum talk_message_state") \
	TALK_FIELDS_PLACE(X, self) \
	X(self, U64, sent_ms, 0, none, "") \
	X(self, U64, received_ms, 0, none, "") \
	X(self, U8, verb, 0, none, "enum talk_verb") \
	X(self, U32, subject, 0, none, "extension") \
	X(self, FIXED, reply_to, TALK_MESSAGE_ID_LEN, none, "zeros: to none") \
	X(self, U32, edits, 0, none, "number of the edit that the text is of; 0: of none") \
	X(self, U8, deleted, 0, none, "") \
	X(self, U8, handed, 0, none, "another device of ours has handed it over") \
	X(self, LIST, reactions, TALK_MEMBERS_MAX, talk_kept_reaction, "one a member") \
	X(self, LIST, people, TALK_MEMBERS_MAX, talk_kept_person, \
	  "own ones: whom it has reached; others': we, if we read it on another device") \
	X(self, OPAQUE, text, TALK_TEXT_MAX, none, "")

#define TALK_FIELDS_kept_change(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U8, what, 0, none, "enum talk_change") \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, "of the message") \
	X(self, U32, member, 0, none, "id, of who changes it") \
	X(self, U32, extension, 0, none, "") \
	X(self, U32, number, 0, none, "of an edit, a reaction") \
	X(self, U8, state, 0, none, "of the message, or of a person") \
	TALK_FIELDS_PLACE(X, self) \
	X(self, OPAQUE, text, TALK_TEXT_MAX, none, "")

#define TALK_FIELDS_kept_waiting(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, LIST, changes, TALK_WAITING_EACH_MAX, talk_kept_change, "of one message")

#define TALK_FIELDS_kept_queue(X, self) \
	X(self, LIST, halves, TALK_WAITING_MAX, talk_gap, "first 8 bytes of ids; the oldest first")

#define TALK_FIELDS_kept_id(X, self) \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, "all of it; its index has the first half") \
	X(self, U64, row, 0, none, "of TALK_TABLE_MESSAGES")

#define TALK_FIELDS_kept_parked(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U8, what, 0, none, "enum talk_parked") \
	X(self, U8, kind, 0, none, "enum talk_kind of the conversation") \
	X(self, U32, peer, 0, none, "one to one: member id") \
	X(self, FIXED, id, TALK_GROUP_ID_LEN, none, "of the MLS group") \
	X(self, OPAQUE, message, TALK_TEXT_MAX + 256, none, "kept_message or kept_change")

#define TALK_FIELDS_kept_taking(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U8, state, 0, none, "enum talk_hand_state") \
	X(self, FIXED, from, 32, none, "the device that is asked") \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, "of the hand-over") \
	X(self, FIXED, append_token, 32, none, "of the drop for sheaves") \
	X(self, FIXED, read_token, 32, none, "") \
	X(self, U64, asked_ms, 0, none, "") \
	X(self, U8, tell, 0, none, "a letter is due") \
	X(self, U32, sheaves, 0, none, "taken") \
	X(self, U64, messages, 0, none, "that were not here before") \
	X(self, U32, conversation, 0, none, "as the newest sheaf says") \
	X(self, U32, conversations, 0, none, "")

#define TALK_FIELDS_kept_giving(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U8, state, 0, none, "enum talk_hand_state") \
	X(self, FIXED, device_key, 32, none, "who asks") \
	X(self, FIXED, id, TALK_MESSAGE_ID_LEN, none, "of the hand-over") \
	X(self, OPAQUE, key, TALK_INIT_KEY_MAX, none, "sheaves are sealed to it") \
	X(self, FIXED, append_token, 32, none, "of the drop for sheaves") \
	X(self, FIXED, read_hash, 32, none, "") \
	X(self, U64, asked_ms, 0, none, "as the device stated it") \
	X(self, U32, sheaf, 0, none, "the one that is on its way; 0: none was made") \
	X(self, U8, last, 0, none, "nothing follows it") \
	X(self, U8, pass, 0, none, "0 all, 1 once more what was changed or taken back") \
	X(self, OPAQUE, owner, TALK_MESSAGE_ID_LEN, none, "the conversation that it is at") \
	X(self, U64, before, 0, none, "its rows below this one are to come") \
	X(self, U64, end, 0, none, "the newest row when it was approved") \
	X(self, U64, messages, 0, none, "given") \
	X(self, U32, conversation, 0, none, "begun") \
	X(self, U32, conversations, 0, none, "") \
	X(self, LIST, records, TALK_SHEAF_PARTS, talk_kept_record, "of the sheaf")

#define TALK_FIELDS_kept_marks(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, U8, out, 0, none, "1: ours, to be sent; 0: another device's") \
	X(self, FIXED, device_key, 32, none, "to whom, or whose") \
	X(self, OPAQUE, content, TALK_LETTER_CONTENT_MAX, none, "an encoded read_marks")

#define TALK_FIELDS_kept_proposal(X, self) \
	X(self, U8, version, 0, none, "") \
	X(self, FIXED, by, 32, none, "the device that proposed it") \
	X(self, U64, came_ms, 0, none, "") \
	X(self, U64, said_ms, 0, none, "when we last said what we have signed; 0: it is to be") \
	X(self, LIST, refused, LEDGER_ADMINS_MAX, talk_kept_key, "devices that are against it") \
	X(self, LIST, entries, TALK_PROPOSAL_ACTS_MAX, talk_entry, \
	  "with the signatures that are here")

#define TALK_KEPT_STRUCTURES(S) \
	S(kept_self) \
	S(kept_own) \
	S(kept_key) \
	S(kept_drop) \
	S(kept_welcomed) \
	S(kept_arrived) \
	S(kept_return) \
	S(kept_owed) \
	S(kept_group) \
	S(kept_record) \
	S(kept_wish) \
	S(kept_out) \
	S(kept_package) \
	S(kept_commit) \
	S(kept_parcel) \
	S(kept_file) \
	S(kept_invite) \
	S(kept_reaction) \
	S(kept_person) \
	S(kept_message) \
	S(kept_change) \
	S(kept_waiting) \
	S(kept_queue) \
	S(kept_id) \
	S(kept_parked) \
	S(kept_taking) \
	S(kept_giving) \
	S(kept_branch) \
	S(kept_proposal) \
	S(kept_marks)

#define LEDGER_INVITATION_MAX	768

#define TALK_DECLARE_KEPT(name) WIRE_STRUCT(talk_##name, TALK_FIELDS_##name)
TALK_KEPT_STRUCTURES(TALK_DECLARE_KEPT)
#undef TALK_DECLARE_KEPT

extern const struct wire_type *const talk_kept_types[];
extern const size_t talk_kept_type_count;

/* Readable and writable while the phone is locked, so that it can receive and ring. Tables 0 and 1 are
 * in talk.h. All rows have an empty owner but those of OUTBOX, COMMIT, PART, BRANCH and WISH, whose owner is the
 * group's number, and files. */
#define TALK_TABLE_SELF	 (STORE_TABLE_RING | (STORE_TABLES_TALK + 2))
#define TALK_TABLE_GROUP (STORE_TABLE_RING | (STORE_TABLES_TALK + 3)) /* by group number */
#define TALK_TABLE_EPOCH (STORE_TABLE_RING | (STORE_TABLES_TALK + 4)) /* by group number */
/* By group number: the tree of a large group, from which the row in EPOCH has what has changed since. Nothing secret. */
#define TALK_TABLE_TREE	   (STORE_TABLE_RING | (STORE_TABLES_TALK + 0))
#define TALK_TABLE_RATCHET (STORE_TABLE_RING | (STORE_TABLES_TALK + 5)) /* by group number */
#define TALK_TABLE_OUTBOX  (STORE_TABLE_RING | (STORE_TABLES_TALK + 6))
#define TALK_TABLE_PACKAGE (STORE_TABLE_RING | (STORE_TABLES_TALK + 7))
#define TALK_TABLE_PARCEL  (STORE_TABLE_RING | (STORE_TABLES_TALK + 8))
#define TALK_TABLE_INVITE  (STORE_TABLE_RING | (STORE_TABLES_TALK + 9))
/* By message row: what came while the phone was locked, until it is unlocked. */
#define TALK_TABLE_PARKED (STORE_TABLE_RING | (STORE_TABLES_TALK + 10))
/* Our commit in a drop, by the drop's epoch: on its way, or the one that won. Written once, and not with
 * every record that is read. */
#define TALK_TABLE_COMMIT (STORE_TABLE_RING | (STORE_TABLES_TALK + 11))
/* A talk_part of a message of which not all parts are here, by its sequence in the present drop. */
#define TALK_TABLE_PART (STORE_TABLE_RING | (STORE_TABLES_TALK + 12))
/* By conversation and the first 8 bytes of a message's id: a kept_id. Not a ring table. */
#define TALK_TABLE_ID (STORE_TABLES_TALK + 13)
/* Which commits led to a group's epoch: branch.h. Index 0. */
#define TALK_TABLE_BRANCH (STORE_TABLE_RING | (STORE_TABLES_TALK + 13))
/* What a group is to become. */
#define TALK_TABLE_WISH (STORE_TABLE_RING | (STORE_TABLES_TALK + 14))
/* Owner of the rows of TALK_TABLE_INVITE that are proposals, by their numbers. */
#define TALK_OWNER_PROPOSAL BYTES_TEXT("proposal")
/* Owner of the rows of TALK_TABLE_PARCEL that are files, by their numbers. */
#define TALK_OWNER_FILE BYTES_TEXT("file")
/* Of the owner `marks`: what was read, a kept_marks. Else index 0: what we asked for, a kept_taking. Else what another device of ours asks for, a kept_giving. */
#define TALK_OWNER_MARKS BYTES_TEXT("marks")
#define TALK_TABLE_HAND	 (STORE_TABLE_RING | (STORE_TABLES_TALK + 15))
/* Index 0: the private key of what we asked for. Not a ring table: whoever takes a locked phone opens nothing older. */
#define TALK_TABLE_HAND_KEY (STORE_TABLES_TALK + 15)
#define TALK_TABLE_LEDGER   (STORE_TABLE_RING | STORE_TABLES_LEDGER) /* by index of the entry */

#endif
