/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The group and what leads from one epoch to the next, inside the library.
 *
 *    proposals (cached or by value) --> struct proposal_list --> proposal_list_apply
 *        --> next epoch's tree
 *    next epoch + commit --> struct mls_staged, which is also our own pending commit
 *    merge: staged->next becomes group->epoch, the old one joins the past ones
 */
#ifndef MLS_GROUP_H
#define MLS_GROUP_H

#include "mls/buffer.h"
#include "mls/epoch.h"

/* A proposal that a commit may refer to. One block of memory; encoded lies behind the struct. */
struct cached_proposal {
	uint8_t ref[HASH_LEN_MAX];
	uint8_t message_hash[HASH_LEN_MAX];
	struct sender sender;
	struct secret leaf_key;	     /* of our own update, else empty */
	struct secret signature_key; /* likewise, when it changes */
	size_t size;
	struct bytes encoded; /* Proposal */
	uint8_t storage[];
};

struct proposal_item {
	uint16_t type;
	struct bytes encoded; /* borrowed */
	struct sender sender;
	uint32_t subject; /* leaf that it changes; of an add: known after applying */
	const struct cached_proposal *cached; /* by reference */
};

struct proposal_list {
	const struct allocator *allocator;
	enum mls_link link; /* the list may hold a resumption PSK of this usage: a first commit's */
	struct proposal_item *items;
	size_t count;
	size_t capacity;
};

void proposal_list_init(struct proposal_list *list, const struct allocator *allocator);
void proposal_list_finish(struct proposal_list *list);

/* Appends; encoded parsed before. cached NULL: by value. */
MUST_USE enum sotto_err proposal_list_put(struct proposal_list *list, struct bytes encoded,
					  struct sender sender,
					  const struct cached_proposal *cached);

/* The proposal of an item, parsed again. */
void proposal_item_view(const struct proposal_item *item, struct proposal_view *view);

/* Section 12.4: does any of these need a path? An empty list does. */
bool proposal_list_needs_path(const struct proposal_list *list);

/* What a list does to a group. */
struct list_outcome {
	struct leaf_list added; /* memory from the allocator; list_outcome_finish */
	uint32_t committer;	/* leaf in the new tree */
	bool removes_us;
	const struct cached_proposal *own_update;
};

void list_outcome_finish(struct list_outcome *outcome, const struct allocator *allocator);

/*
 * Validates a list for a regular commit (12.2, 12.1, 7.3, 10.1) and applies it (12.3) to next, a
 * fresh successor of before. now_s as in struct leaf_rules. After a failure next is only good to be
 * destroyed.
 */
MUST_USE enum sotto_err proposal_list_apply(struct proposal_list *list, const struct epoch *before,
					    struct epoch *next, uint32_t committer, uint64_t now_s,
					    struct list_outcome *outcome);

/* 12.1.8: may such a sender propose this? */
bool proposal_sender_may(enum sender_type sender, uint16_t type);

/* One proposal by itself, when it arrives. */
MUST_USE enum sotto_err proposal_check(const struct proposal_view *proposal, struct sender sender,
				       const struct epoch *epoch, uint64_t now_s);

/* What the public struct mls_change shows. */
struct change {
	uint16_t type;
	struct sender proposer;
	uint32_t subject;
	bool by_reference;
	const struct leaf_node *before;
	const struct leaf_node *after;
	uint8_t *encoded; /* the Proposal, where more of it is shown than leaves */
	size_t encoded_len;
};

struct mls_staged {
	const struct mls_config *config;
	enum mls_staged_kind kind;
	uint64_t epoch;
	struct sender sender;
	bool path;
	bool removes_us;
	bool consumes; /* came as a private message: its key goes when it is merged */
	struct private_origin origin;
	struct writer authenticated_data;
	const struct leaf_node *old_leaf; /* NULL: not a member's message */
	const struct leaf_node *new_leaf; /* NULL: likewise, and not a commit */
	struct change *changes;
	size_t change_count;
	struct epoch *next;		    /* commits that we stay in */
	struct cached_proposal *proposal;   /* proposals */
	uint8_t message_hash[HASH_LEN_MAX]; /* our own commit: to recognise it */
};

MUST_USE enum sotto_err staged_new(const struct mls_config *config, enum mls_staged_kind kind,
				   const struct epoch *epoch, struct sender sender,
				   struct bytes authenticated_data, struct mls_staged **staged);

/* A commit's sender has this leaf in the new tree. */
void staged_set_new_leaf(struct mls_staged *staged, const struct tree *tree, uint32_t leaf);

/*
 * The changes of an applied list; leaves are taken from the two trees. after NULL: we are not in
 * it.
 */
MUST_USE enum sotto_err staged_list_changes(struct mls_staged *staged,
					    const struct proposal_list *list,
					    const struct tree *before, const struct tree *after);

struct mls_group {
	struct mls_config config;
	const struct suite *suite;
	uint8_t *group_id;
	size_t group_id_len;
	struct mls_send_options send;
	bool active;
	bool welcomed;	   /* joined by a Welcome, and still in that epoch */
	uint32_t welcomer; /* then the leaf that signed its GroupInfo */
	struct epoch *epoch;
	struct epoch **past; /* the newest first; limits.past_epochs places */
	size_t past_count;
	struct cached_proposal **proposals;
	size_t proposal_count;
	size_t proposal_capacity;
	struct mls_staged *pending;
	struct writer scratch;
	/*
	 * Own generations below these may be sent (config.reserve_before_send); saved: by the last
	 * save.
	 */
	uint32_t reserved[2];
	uint32_t saved[2];
	/* The tree part that was saved last. */
	struct {
		uint16_t mark;	/* on what stands in the tree as there; 0: there is no tree part */
		uint32_t width; /* of that tree */
		uint8_t hash[HASH_LEN_MAX];
	} base;
};

/* This tree part has been made of, or read into, this tree. */
void group_set_base(struct mls_group *group, const struct tree *tree, struct bytes tree_part);

/* A group without an epoch; takes the config's copy. */
MUST_USE enum sotto_err group_new(const struct mls_config *config, const struct suite *suite,
				  struct bytes group_id, struct mls_group **group);

/* We, as the sender of a message. */
static inline struct sender group_own_sender(const struct mls_group *group)
{
	return (struct sender){.type = SENDER_MEMBER, .index = group->epoch->own_leaf};
}

static inline struct bytes group_id_bytes(const struct mls_group *group)
{
	return BYTES(group->group_id, group->group_id_len);
}

/* After a ReInit nothing is sent or followed any more (12.4.2). */
static inline bool group_ended(const struct mls_group *group)
{
	return group->epoch->reinit.len != 0;
}

/* Of an epoch that is current or kept; NULL. */
struct epoch *group_find_epoch(const struct mls_group *group, uint64_t number);

/* A group of one; extensions: the encoded list. */
MUST_USE enum sotto_err group_create(const struct mls_config *config, struct bytes group_id,
				     const struct mls_leaf_options *leaf, struct bytes extensions,
				     struct mls_group **group);

/* next becomes current, the current joins the past; proposals and pending go. */
void group_advance(struct mls_group *group, struct epoch *next);

void group_drop_pending(struct mls_group *group);

/* Room for one more cached proposal; then put, which cannot fail. */
MUST_USE enum sotto_err group_reserve_proposal(struct mls_group *group);
void group_put_proposal(struct mls_group *group, struct cached_proposal *proposal);
const struct cached_proposal *group_find_proposal(const struct mls_group *group, struct bytes ref);
void cached_proposal_destroy(const struct mls_config *config, struct cached_proposal *proposal);

/* ProposalRef and copy of a proposal that came in this content. */
MUST_USE enum sotto_err cached_proposal_make(const struct mls_config *config,
					     const struct suite *suite, const struct framed *framed,
					     struct cached_proposal **proposal);

/*
 * Our next generation of a ratchet, if it may be sent: SOTTO_ERR_AGAIN when it is not reserved,
 * SOTTO_ERR_LIMIT at the ratchet's end.
 */
MUST_USE enum sotto_err group_next_generation(const struct mls_group *group, enum ratchet_kind kind,
					      uint32_t *generation);

/* Seals a signed handshake message as the send options say; consumes its generation if private. */
MUST_USE enum sotto_err group_write_handshake(struct mls_group *group, const struct framed *framed,
					      struct writer *out);

/* The hash by which we recognise a message of our own. */
void message_hash(const struct suite *suite, struct bytes message, uint8_t *out);

/* GroupInfo (12.4.3) of an epoch, signed by its own leaf's key. */
MUST_USE enum sotto_err group_info_write(const struct epoch *epoch,
					 const struct mls_group_info_options *options,
					 struct writer *writer);

/* The Welcome message for all leaves that a list added. */
MUST_USE enum sotto_err welcome_write(const struct epoch *next, const struct proposal_list *list,
				      const struct secret *joiner, const struct secret *welcome,
				      const struct path_secrets *path, bool with_tree,
				      struct writer *writer);

#endif
