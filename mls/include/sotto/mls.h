/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messaging Layer Security (RFC 9420) in plain C: groups of 2 to 50,000 that agree on keys.
 *
 * The library has no hidden state and does no input or output: memory comes from the caller's
 * allocator, random bytes from the caller's source, time as a parameter. Nothing here is
 * thread-safe by itself; one group is used by one thread at a time, different groups by different
 * threads.
 *
 * The life of a group:
 *
 *    mls_identity_generate         a signature key pair
 *    mls_key_package_create        what others need to add this client
 *    mls_group_create | join       a member's state, struct mls_group
 *    mls_group_join_external       likewise, by a commit of one's own
 *    mls_group_commit              a commit and a welcome; kept pending inside, that is all
 *    mls_group_apply_pending       when the delivery service has accepted it; or
 *    mls_group_drop_pending        when it never will
 *    mls_group_receive             step one: parse and verify into a struct mls_staged; look at it
 *    mls_group_merge               step two: what was staged becomes the group's state
 *    mls_group_protect, unprotect  application messages
 *    mls_group_save, load          what is stored, in two parts, of a large group in three
 *
 * Errors: SOTTO_ERR_FORMAT (bytes do not parse), SOTTO_ERR_VERIFY (signature, MAC or AEAD),
 * SOTTO_ERR_INVALID (breaks a rule of the RFC), SOTTO_ERR_UNSUPPORTED, SOTTO_ERR_LIMIT,
 * SOTTO_ERR_STATE (not now: a removed member, no pending commit), SOTTO_ERR_NOT_FOUND,
 * SOTTO_ERR_NO_MEMORY, SOTTO_ERR_RANDOM, and those named at the functions. After any error the
 * group is exactly as it was and output parameters are untouched.
 *
 * Borrowed spans: unless a function says otherwise, a struct bytes that comes out of a group lives
 * until the next call that takes the group without const; out of a staged object, until that is
 * merged or destroyed; parsed from the caller's bytes, as long as those.
 */
#ifndef SOTTO_MLS_H
#define SOTTO_MLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sotto/mls_client.h>

#include <sotto/begin.h>

/* ---- Messages without keys ---- */

/* What anybody can see. Spans borrow from message. */
struct mls_message_info {
	enum mls_wire_format wire_format;
	enum mls_content_type content_type;
	struct bytes group_id; /* public and private messages, group info */
	uint64_t epoch;
};

MUST_USE enum sotto_err mls_message_read(struct bytes message, struct mls_message_info *info);

/* ---- Groups ---- */

struct mls_group;

/* How this member sends. May be changed at any time. */
struct mls_send_options {
	enum mls_wire_format handshake; /* MLS_PRIVATE_MESSAGE (default) or MLS_PUBLIC_MESSAGE */
	uint32_t handshake_padding; /* zero bytes after the content of private handshake messages */
	bool tree_in_welcome; /* default true: the ratchet_tree extension (section 12.4.3.3) */
};

void mls_group_set_send_options(struct mls_group *group, const struct mls_send_options *options);

/* A group of one (section 11), epoch 0. extensions: the group context's, e.g. of private use. */
MUST_USE enum sotto_err mls_group_create(const struct mls_config *config, struct bytes group_id,
					 const struct mls_leaf_options *leaf,
					 const struct mls_extension *extensions,
					 size_t extension_count, struct mls_group **group);

struct mls_join_options {
	struct bytes welcome;	  /* MLSMessage */
	struct bytes key_package; /* MLSMessage, ours */
	const struct mls_key_package_secrets *secrets;
	const struct mls_identity *identity;
	struct bytes tree; /* optional<Node> ratchet_tree<V>; empty: in the welcome */
	/*
	 * The group that this one follows: its successor after a ReInit (11.2), or a branch (11.3).
	 * Without it, a welcome that names a resumption PSK is SOTTO_ERR_NOT_FOUND; with it, one
	 * that names none of its resumption PSKs, or does not follow it as it says, is
	 * SOTTO_ERR_INVALID.
	 */
	const struct mls_group *origin;
	uint64_t now_s; /* 0: lifetimes against the clock are not checked */
};

/*
 * Joins by a welcome (section 12.4.3.1) with all its checks: signatures of group info and of every
 * leaf, tree hash, parent hashes, unmerged leaves, keys unique, confirmation tag. Whether the
 * members' credentials are whose they say is for the caller to judge by the roster, before using
 * the group, and so is whether it has a group of this id already. SOTTO_ERR_NOT_FOUND: the welcome
 * is not for this key package, no tree was given, or a PSK is missing (the origin's among them).
 */
MUST_USE enum sotto_err mls_group_join(const struct mls_config *config,
				       const struct mls_join_options *options,
				       struct mls_group **group);

struct mls_external_join_options {
	struct bytes group_info; /* MLSMessage, with external_pub */
	struct bytes tree;	 /* optional<Node> ratchet_tree<V>; empty: in the group info */
	const struct mls_leaf_options *leaf;
	/*
	 * Remove our older leaf in the same commit: that of our signature key or, if there is none,
	 * the only one of the same client (config.clients). SOTTO_ERR_NOT_FOUND: no such leaf.
	 */
	bool resync;
	const struct bytes *psks; /* ids of external PSKs */
	size_t psk_count;
	struct bytes authenticated_data;
	uint64_t now_s; /* 0: lifetimes against the clock are not checked */
};

/*
 * Joins by a commit of our own (section 12.4.3.2), after the checks of mls_group_join. The group
 * comes back in the epoch after that commit: nothing may be sent in it before the delivery service
 * has accepted the commit. If it took another one, destroy the group and begin again with a newer
 * group info. Our own commit, read back, is SOTTO_ERR_TOO_OLD. Whoever hands out the group info
 * decides which group this is: only the signature of one of its members says that it exists.
 * SOTTO_ERR_UNSUPPORTED: no external_pub in the group info.
 */
MUST_USE enum sotto_err mls_group_join_external(const struct mls_config *config,
						const struct mls_external_join_options *options,
						struct mls_buffer *commit,
						struct mls_group **group);

/* Wipes every secret. NULL is fine. */
void mls_group_destroy(struct mls_group *group);

/* ---- What a group is ---- */

/* The GroupContext (section 8.1); spans borrow. */
struct mls_context {
	uint16_t suite;
	uint64_t epoch;
	struct bytes group_id;
	struct bytes tree_hash;
	struct bytes confirmed_transcript_hash;
	struct bytes extensions; /* the encoded list: mls_extension_find */
	struct bytes encoded;	 /* the GroupContext, byte for byte */
};

void mls_group_context(const struct mls_group *group, struct mls_context *context);

/* Our own leaf index. */
uint32_t mls_group_own_leaf(const struct mls_group *group);

/*
 * False once a merged commit has removed us: the group then only opens late messages of past
 * epochs.
 */
bool mls_group_active(const struct mls_group *group);

uint32_t mls_group_member_count(const struct mls_group *group);

/*
 * The leaf that signed the GroupInfo of the Welcome by which this group was joined (12.4.3.1): who added us.
 * Known right after mls_group_join; SOTTO_ERR_NOT_FOUND for any other group, a loaded one among them.
 */
MUST_USE enum sotto_err mls_group_welcomer(const struct mls_group *group,
					   struct mls_member *member);

/* Parent nodes of the tree, and how many of them are not blank: what a path costs follows from that. */
void mls_group_parents(const struct mls_group *group, uint32_t *parents, uint32_t *filled);

/* SOTTO_ERR_NOT_FOUND: blank or out of range. */
MUST_USE enum sotto_err mls_group_member(const struct mls_group *group, uint32_t leaf,
					 struct mls_member *member);

/*
 * Iteration in leaf order: start with *cursor = 0; false at the end.
 *     uint32_t cursor = 0;
 *     while (mls_group_next_member(group, &cursor, &member)) ...
 */
bool mls_group_next_member(const struct mls_group *group, uint32_t *cursor,
			   struct mls_member *member);

/* Likewise, for who needs no more than these two of each. */
bool mls_group_next_key(const struct mls_group *group, uint32_t *cursor, uint32_t *leaf,
			struct bytes *signature_key);

/* Likewise, for who asks of some of them only: it looks at no leaf where all are filled. */
bool mls_group_next_leaf(const struct mls_group *group, uint32_t *cursor, uint32_t *leaf);

/* Of a leaf that is filled (asserted). */
struct bytes mls_group_leaf_key(const struct mls_group *group, uint32_t leaf);

/* The member with this signature key; SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err mls_group_find_member(const struct mls_group *group,
					      struct bytes signature_key,
					      struct mls_member *member);

/* MLS-Exporter (section 8.5). SOTTO_ERR_ARGUMENT: len above 255 hash lengths. */
MUST_USE enum sotto_err mls_group_export(const struct mls_group *group, const char *label,
					 struct bytes context, uint8_t *out, size_t len);

/* Section 8.7: mls_suite_hash_len bytes; equal at all members of an epoch. */
void mls_group_epoch_authenticator(const struct mls_group *group, uint8_t *out);

/* The tree as optional<Node> ratchet_tree<V>, for who joins by a welcome without it. */
MUST_USE enum sotto_err mls_group_tree(const struct mls_group *group, struct mls_buffer *tree);

struct mls_group_info_options {
	bool with_tree;		/* ratchet_tree (section 12.4.3.3) */
	bool with_external_pub; /* whoever reads it can join by an external commit (12.4.3.2) */
	const struct mls_extension *extensions; /* beside those two */
	size_t extension_count;
};

/* A signed GroupInfo message (section 12.4.3). options NULL: the bare one. */
MUST_USE enum sotto_err mls_group_info(const struct mls_group *group,
				       const struct mls_group_info_options *options,
				       struct mls_buffer *message);

/* ---- Proposals by reference (section 12.1) ---- */

/*
 * Make a proposal message and keep the proposal in our own cache, as others do when they merge it.
 * For update, leaf NULL renews the key only. now_s 0: the lifetime of an added key package is not
 * checked.
 */
MUST_USE enum sotto_err mls_group_propose_add(struct mls_group *group, struct bytes key_package,
					      uint64_t now_s, struct mls_buffer *message);
MUST_USE enum sotto_err mls_group_propose_update(struct mls_group *group,
						 const struct mls_leaf_options *leaf,
						 struct mls_buffer *message);
MUST_USE enum sotto_err mls_group_propose_remove(struct mls_group *group, uint32_t leaf,
						 struct mls_buffer *message);
MUST_USE enum sotto_err mls_group_propose_extensions(struct mls_group *group,
						     const struct mls_extension *extensions,
						     size_t extension_count,
						     struct mls_buffer *message);

/*
 * An external PSK that all members hold; SOTTO_ERR_NOT_FOUND if we don't. A fresh nonce is drawn.
 */
MUST_USE enum sotto_err mls_group_propose_psk(struct mls_group *group, struct bytes psk_id,
					      struct mls_buffer *message);

/*
 * The resumption PSK (section 8.6) of an epoch of this group: the current one, or a past one that is
 * kept (limits.past_epochs). SOTTO_ERR_NOT_FOUND: it is not. Newcomers of the same commit could not
 * follow.
 */
MUST_USE enum sotto_err mls_group_propose_resumption(struct mls_group *group, uint64_t epoch,
						     struct mls_buffer *message);

/* The parameters of a successor (12.1.5). */
struct mls_reinit_options {
	struct bytes group_id;
	uint16_t version; /* 0: 1, the only one there is */
	uint16_t suite;
	const struct mls_extension *extensions;
	size_t extension_count;
};

MUST_USE enum sotto_err mls_group_propose_reinit(struct mls_group *group,
						 const struct mls_reinit_options *reinit,
						 struct mls_buffer *message);

uint32_t mls_group_cached_proposals(const struct mls_group *group);

/*
 * Forgets them: they will be in no commit of ours. Others' commits that name them fail from then
 * on.
 */
void mls_group_drop_proposals(struct mls_group *group);

/* ---- Commits (section 12.4) ---- */

/* What ties a new group to another one (sections 11.2, 11.3). */
enum mls_link {
	MLS_LINK_NONE = 0,
	MLS_LINK_REINIT = 2,
	MLS_LINK_BRANCH = 3,
};

struct mls_commit_options {
	const struct bytes *add; /* key package messages, by value */
	size_t add_count;
	const uint32_t *remove; /* leaf indices, by value */
	size_t remove_count;
	bool set_extensions; /* GroupContextExtensions by value: the whole new list */
	const struct mls_extension *extensions;
	size_t extension_count;
	const struct bytes *psks; /* ids of external PSKs, by value */
	size_t psk_count;
	const uint64_t *resumption_epochs; /* resumption PSKs of this group, by value */
	size_t resumption_count;
	/*
	 * A ReInit by value: it stands alone. SOTTO_ERR_STATE while other proposals wait, which go
	 * first (12.2); without_cached leaves them out.
	 */
	const struct mls_reinit_options *reinit;
	/*
	 * In the first commit of a group (epoch 0): that it follows another one of ours. REINIT:
	 * origin has merged a ReInit, and version, suite, group id, extensions and members are as
	 * agreed. BRANCH: version and suite are origin's, and the members some of its own. Else
	 * SOTTO_ERR_INVALID.
	 */
	enum mls_link link;
	const struct mls_group *origin;
	/* Leave out the proposals received in this epoch; else all that fit are in. */
	bool without_cached;
	bool path; /* renew our path even where the RFC lets it be left out */
	/* A changed leaf, which needs a path; NULL keeps all of it but the key. */
	const struct mls_leaf_options *leaf;
	struct bytes authenticated_data;
	uint64_t now_s; /* 0: lifetimes of added leaves are not checked against the clock */
};

/*
 * Makes a commit and, if it adds members, one welcome for all of them (else welcome stays empty).
 * The new epoch is kept inside the group as pending; nothing else changes but the generation of our
 * handshake ratchet. Store the group before the commit leaves; send the welcome only after the
 * commit was accepted. SOTTO_ERR_EXISTS: there is a pending commit already.
 */
MUST_USE enum sotto_err mls_group_commit(struct mls_group *group,
					 const struct mls_commit_options *options,
					 struct mls_buffer *commit, struct mls_buffer *welcome);

bool mls_group_has_pending(const struct mls_group *group);

/* Of the epoch to which the pending commit leads; borrows until it is applied or dropped. false: nothing is pending. */
bool mls_group_pending_context(const struct mls_group *group, struct mls_context *context);

/* ---- Reinitialisation (sections 11.2, 12.1.5) ---- */

/* What a ReInit says; spans borrow. */
struct mls_reinit {
	struct bytes group_id;
	uint16_t version;
	uint16_t suite;
	struct bytes extensions; /* the encoded list */
};

/*
 * What the commit that led to this epoch agreed on; SOTTO_ERR_NOT_FOUND: it was no ReInit. Such a
 * group has ended: it still opens application messages, and sends or follows nothing any more
 * (SOTTO_ERR_STATE).
 */
MUST_USE enum sotto_err mls_group_reinit(const struct mls_group *group, struct mls_reinit *reinit);

/*
 * A group of one with the parameters that origin's ReInit agreed on; its first commit then adds
 * all members of origin, with options.link MLS_LINK_REINIT. leaf's identity is of the new suite.
 * SOTTO_ERR_STATE: origin has not ended.
 */
MUST_USE enum sotto_err mls_group_create_successor(const struct mls_config *config,
						   const struct mls_group *origin,
						   const struct mls_leaf_options *leaf,
						   struct mls_group **group);

/* Is this message, byte for byte (by its hash), our pending commit? */
bool mls_group_is_pending(const struct mls_group *group, struct bytes message);

/*
 * The tree after the pending commit: for its welcome when that is sent without. SOTTO_ERR_STATE:
 * none pending.
 */
MUST_USE enum sotto_err mls_group_pending_tree(const struct mls_group *group,
					       struct mls_buffer *tree);

/*
 * The delivery service has accepted our commit: its epoch becomes ours. SOTTO_ERR_STATE: none
 * pending.
 */
MUST_USE enum sotto_err mls_group_apply_pending(struct mls_group *group);

/* Only when it can never be accepted any more. None pending is fine. */
void mls_group_drop_pending(struct mls_group *group);

/* ---- Proposals from outside (section 12.1.8) ---- */

/* An entry of the group context extension external_senders. */
struct mls_external_sender {
	struct bytes signature_key;
	struct mls_credential credential; /* basic or x509 */
};

/* The data of that extension, for mls_group_create or a commit that sets extensions. */
MUST_USE enum sotto_err mls_external_senders_write(const struct mls_config *config,
						   const struct mls_external_sender *senders,
						   size_t count, struct mls_buffer *data);

/*
 * The entry at an index in a group's extensions (struct mls_context); SOTTO_ERR_NOT_FOUND. Spans
 * borrow.
 */
MUST_USE enum sotto_err mls_external_sender_find(struct bytes extensions, uint32_t index,
						 struct mls_external_sender *sender);

/* How one who is no member proposes something to a group: always by PublicMessage. */
struct mls_external_options {
	const struct mls_identity *identity; /* of the group's suite */
	uint32_t sender; /* index in external_senders; of new members not looked at */
	struct bytes group_id;
	uint64_t epoch;
	struct bytes authenticated_data;
};

MUST_USE enum sotto_err mls_external_propose_add(const struct mls_config *config,
						 const struct mls_external_options *options,
						 struct bytes key_package, uint64_t now_s,
						 struct mls_buffer *message);
MUST_USE enum sotto_err mls_external_propose_remove(const struct mls_config *config,
						    const struct mls_external_options *options,
						    uint32_t leaf, struct mls_buffer *message);
MUST_USE enum sotto_err mls_external_propose_extensions(const struct mls_config *config,
							const struct mls_external_options *options,
							const struct mls_extension *extensions,
							size_t extension_count,
							struct mls_buffer *message);
MUST_USE enum sotto_err mls_external_propose_psk(const struct mls_config *config,
						 const struct mls_external_options *options,
						 struct bytes psk_id, struct mls_buffer *message);
MUST_USE enum sotto_err mls_external_propose_reinit(const struct mls_config *config,
						    const struct mls_external_options *options,
						    const struct mls_reinit_options *reinit,
						    struct mls_buffer *message);

/*
 * Asks to be added: key_package is our own, of the same identity (else SOTTO_ERR_ARGUMENT). Who
 * commits it sends a welcome for it.
 */
MUST_USE enum sotto_err mls_new_member_propose(const struct mls_config *config,
					       const struct mls_external_options *options,
					       struct bytes key_package, uint64_t now_s,
					       struct mls_buffer *message);

/* ---- Incoming proposals and commits, in two steps ---- */

struct mls_staged;

/*
 * Parses and verifies a proposal or commit of the current epoch without changing anything. Our own
 * pending commit comes back as such, to be merged like any other. SOTTO_ERR_TOO_OLD and
 * SOTTO_ERR_AGAIN: an epoch behind or ahead of ours. SOTTO_ERR_EXISTS: a proposal that we have.
 * SOTTO_ERR_ARGUMENT: an application message. SOTTO_ERR_NOT_FOUND: a commit that refers to a
 * proposal that we don't have.
 */
MUST_USE enum sotto_err mls_group_receive(struct mls_group *group, struct bytes message,
					  struct mls_staged **staged);

enum mls_staged_kind {
	MLS_STAGED_PROPOSAL,
	MLS_STAGED_COMMIT,
	MLS_STAGED_OWN_COMMIT,
	MLS_STAGED_UNFOLLOWABLE, /* config.stage_unfollowable: to be looked at, never merged */
};

struct mls_staged_info {
	enum mls_staged_kind kind;
	enum mls_sender_type sender_type;
	/*
	 * Leaf index: of a member in the epoch of the message, of a new member's commit in the next;
	 * of an external sender the index in external_senders, of a new member's proposal 0.
	 */
	uint32_t sender;
	uint64_t epoch; /* of the message; a commit leads to the one after */
	struct bytes authenticated_data;
	size_t changes;	 /* 1 for a proposal */
	bool path;	 /* a commit with a path: the sender's leaf is renewed */
	bool removes_us; /* merging ends our membership */
	/*
	 * A member's leaf before, and after a commit with path (else as before). Of a new member's
	 * commit only new_leaf; else neither: all zero.
	 */
	struct mls_member old_leaf;
	struct mls_member new_leaf;
	struct mls_context context; /* commit that we can follow and stay in: of the new epoch */
	struct bytes extensions;    /* commit that does not remove us: of the new epoch's context */
};

void mls_staged_info(const struct mls_staged *staged, struct mls_staged_info *info);

/* One proposal, in the order of the commit. */
struct mls_change {
	enum mls_proposal_type type;
	enum mls_sender_type proposer_type;
	uint32_t proposer;	  /* as in struct mls_staged_info */
	struct mls_member before; /* update, remove */
	struct mls_member after;  /* add (leaf index: where it will be, in a commit), update */
	struct bytes extensions;  /* group context extensions */
	struct bytes psk_id;	  /* psk: an external one's id; else the group's */
	uint64_t psk_epoch;	  /* of a resumption PSK */
	bool psk_resumption;
	struct mls_reinit reinit;
	bool by_reference;
};

/* index below info.changes, asserted. */
void mls_staged_change(const struct mls_staged *staged, size_t index, struct mls_change *change);

/*
 * Step two. On success *staged is destroyed and NULL. SOTTO_ERR_STATE: the group has moved on
 * since, or the commit is one that we cannot follow.
 */
MUST_USE enum sotto_err mls_group_merge(struct mls_group *group, struct mls_staged **staged);

/* Nothing happened. NULL is fine. Before its group is destroyed. */
void mls_staged_destroy(struct mls_staged *staged);

/* ---- Application messages (sections 6.3, 15) ---- */

/* Room that mls_group_protect needs for a message, exactly. */
size_t mls_group_protect_len(const struct mls_group *group, size_t authenticated_data_len,
			     size_t plaintext_len, size_t padding);

/*
 * Makes a PrivateMessage. out has at least mls_group_protect_len bytes (SOTTO_ERR_SPACE).
 * Section 12.4: while proposals are cached a member commits before it sends (SOTTO_ERR_STATE).
 * SOTTO_ERR_AGAIN: reserve first, see Saving. Allocates nothing for messages up to 16 KiB.
 */
MUST_USE enum sotto_err mls_group_protect(struct mls_group *group, struct bytes authenticated_data,
					  struct bytes plaintext, size_t padding, uint8_t *out,
					  size_t capacity, size_t *len);

struct mls_application {
	uint32_t sender; /* leaf index in that epoch */
	uint64_t epoch;
	uint32_t generation;
	struct bytes authenticated_data; /* borrows from message */
	struct bytes plaintext;		 /* borrows from out */
	struct mls_member member;	 /* the sender's leaf in that epoch */
};

/*
 * Opens an application message of the current or a kept past epoch. out has room for message.len
 * bytes. SOTTO_ERR_REPLAY: this generation was opened before, or its key was given up.
 * SOTTO_ERR_TOO_OLD: that epoch is not kept. SOTTO_ERR_AGAIN: an epoch ahead of ours.
 * SOTTO_ERR_LIMIT: too far ahead in the sender's ratchet.
 */
MUST_USE enum sotto_err mls_group_unprotect(struct mls_group *group, struct bytes message,
					    uint8_t *out, size_t capacity,
					    struct mls_application *application);

/*
 * ---- Ages ----
 *
 * Past epochs and keys of skipped messages are kept up to a number (limits), and up to an age if the
 * caller says what time it is. What mls_group_expire sees for the first time it stamps with now_s;
 * what it stamped longer ago than limits.past_epoch_age_s or limits.skipped_key_age_s it erases, a past
 * epoch with its resumption PSK. Stamps are saved. When the clock is set back, stamps that lie ahead
 * of it are set to it, so nothing is kept longer than its age from then on; what is erased stays erased.
 * The epoch in which we were removed is kept until the group is destroyed.
 * now_s 0 is no time: nothing happens. Call it every now and then, and store both parts after it.
 */
void mls_group_expire(struct mls_group *group, uint64_t now_s);

/*
 * ---- Saving ----
 *
 * Two parts, or three. The epoch part (tree, context, secrets of the key schedule, own keys, cached proposals,
 * pending commit) changes with mls_group_commit, apply, drop, merge and propose: it grows with the
 * group. The ratchet part changes with every message: it grows with the members who have sent.
 *
 * No nonce may ever be used twice. mls_group_save_ratchets(ahead) writes the ratchets as they will
 * be after `ahead` more messages of ours, and never behind what is open for sending already;
 * mls_group_ratchets_stored says that these bytes are durable, and opens exactly those generations
 * (config.reserve_before_send). A group that is loaded again starts behind everything that was
 * reserved, so it cannot repeat a generation whenever the process died; receivers see a gap, which
 * their window allows. Never load an older ratchet part than the newest stored one.
 *
 * Received messages: a ratchet part from before a message opens that message again (a replay that an
 * application which stores the message in the same transaction does not see) and nothing else.
 *
 * Both parts hold secrets: seal them. Whenever the epoch part is stored, the ratchet part is stored
 * with it, in one transaction; mls_group_load refuses parts that do not belong together, and a tree
 * wider than limits.members leaves room for (SOTTO_ERR_CORRUPT).
 */
MUST_USE enum sotto_err mls_group_save(const struct mls_group *group,
				       struct mls_buffer *epoch_part);

/*
 * The tree of a large group, which one commit hardly changes, may be a part of its own. It holds nothing secret.
 * After mls_group_save_tree the epoch part has only what has changed since, and names the tree part by its hash:
 * save the epoch part too, store both in one transaction, and the tree part last stored is to be
 * loaded with it from then on (another one: SOTTO_ERR_CORRUPT). Without it, or with none, nothing changes: the epoch part has the whole tree, and
 * the tree part is not looked at. mls_group_tree_due: it is worth while now, as the group is large, or as much has changed.
 */
MUST_USE enum sotto_err mls_group_save_tree(struct mls_group *group, struct mls_buffer *tree_part);
bool mls_group_tree_due(const struct mls_group *group);

/* ahead: 1 to limits.generations_forward / 2; a phone takes 32 or so. */
MUST_USE enum sotto_err mls_group_save_ratchets(struct mls_group *group, uint32_t ahead,
						struct mls_buffer *ratchet_part);

/* What the last mls_group_save_ratchets returned is durable now. */
void mls_group_ratchets_stored(struct mls_group *group);

/* Messages that may still be sent before the next mls_group_save_ratchets. */
uint32_t mls_group_reserved(const struct mls_group *group);

/* tree_part: empty where none was saved. */
MUST_USE enum sotto_err mls_group_load(const struct mls_config *config, struct bytes tree_part,
				       struct bytes epoch_part, struct bytes ratchet_part,
				       struct mls_group **group);

#include <sotto/end.h>

#endif
