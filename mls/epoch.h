/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One epoch of a group: public tree and context, secrets, our private keys in it. A commit builds
 * the next one from the current without touching that; merging swaps a pointer.
 */
#ifndef MLS_EPOCH_H
#define MLS_EPOCH_H

#include "mls/frame.h"
#include "mls/key_schedule.h"
#include "mls/tree.h"

/* Our HPKE private keys: of our leaf, and by level of the nodes above it; len 0: none. */
struct private_keys {
	struct secret leaf;
	struct secret nodes[TREE_DEPTH_MAX + 1]; /* [0] is not used */
};

struct epoch {
	const struct mls_config *config; /* the group's */
	const struct suite *suite;
	struct bytes group_id; /* the group's */
	uint64_t number;
	uint64_t retired_s; /* when mls_group_expire first saw it past; 0: not yet */
	struct tree tree;
	struct writer extensions; /* GroupContext extensions, without header */
	struct writer context;	  /* GroupContext, encoded */
	struct writer reinit;	  /* the ReInit that led here, after which the group has ended */
	uint8_t confirmed_hash[HASH_LEN_MAX];
	size_t confirmed_hash_len; /* 0 in epoch 0 */
	uint8_t interim_hash[HASH_LEN_MAX];
	uint8_t confirmation_tag[HASH_LEN_MAX];
	struct epoch_secrets secrets;
	struct secret_tree secret_tree;
	uint32_t own_leaf;
	struct private_keys keys;
	struct secret signature_key; /* expanded, once the epoch has begun */
};

/* Everything empty but what every epoch of a group shares. NULL: no memory. */
struct epoch *epoch_new(const struct mls_config *config, const struct suite *suite,
			struct bytes group_id, uint64_t number);

/* Wipes every secret. NULL is fine. */
void epoch_destroy(struct epoch *epoch);

/*
 * The successor before any proposal: tree shared, extensions, keys and confirmed hash as they are.
 */
MUST_USE enum sotto_err epoch_next(const struct epoch *epoch, struct epoch **next);

/* What only the current epoch needs goes: only opening messages remains. */
void epoch_retire(struct epoch *epoch);

/* Encodes the GroupContext anew, from tree hash, confirmed hash and extensions as they are now. */
MUST_USE enum sotto_err epoch_write_context(struct epoch *epoch);

/* The confirmed transcript hash after a commit of the epoch before, and the context with it. */
MUST_USE enum sotto_err epoch_advance_transcript(struct epoch *next, const struct epoch *before,
						 const struct framed *commit);

/*
 * All secrets from joiner secret and PSK secret; confirmation tag and interim hash; the secret
 * tree. The context must be final. welcome NULL: not needed.
 */
MUST_USE enum sotto_err epoch_derive(struct epoch *epoch, const struct secret *joiner,
				     const struct secret *psk, struct secret *welcome);

/* For signing often (crypto/sign.h); an epoch that is past has none, and stays so. */
MUST_USE enum sotto_err epoch_expand_signature_key(struct epoch *epoch);

/* From secrets that are there: tag, interim hash, secret tree. */
MUST_USE enum sotto_err epoch_begin(struct epoch *epoch);

static inline struct bytes epoch_confirmed_hash(const struct epoch *epoch)
{
	return BYTES(epoch->confirmed_hash, epoch->confirmed_hash_len);
}

static inline struct bytes epoch_tag(const struct epoch *epoch)
{
	return BYTES(epoch->confirmation_tag, suite_hash_len(epoch->suite));
}

/* For framing messages of this epoch. */
struct frame_keys epoch_frame_keys(struct epoch *epoch);

/* Forgets the private keys of nodes that are blank now. */
void epoch_prune_keys(struct epoch *epoch);

void epoch_context_view(const struct epoch *epoch, struct mls_context *context);

/* ---- Paths (7.4 to 7.6), path_create.c and path_apply.c ---- */

/* Leaves that the commit in the making adds: sorted. */
struct leaf_list {
	uint32_t *leaves;
	size_t count;
};

bool leaf_list_has(const struct leaf_list *list, uint32_t leaf);

/* The path secrets of a commit of ours, for welcomes: by level. */
struct path_secrets {
	struct secret by_level[TREE_DEPTH_MAX + 1];
	struct secret commit;
};

/* New keys on our path: into tree and keys; leaf: options for the new leaf or NULL. */
MUST_USE enum sotto_err path_renew(struct epoch *next, const struct mls_leaf_options *leaf,
				   struct path_secrets *secrets);

/*
 * UpdatePath: our new leaf, and the path secrets sealed with next->context, which is provisional.
 */
MUST_USE enum sotto_err path_write(const struct epoch *next, const struct path_secrets *secrets,
				   const struct leaf_list *added, struct writer *writer);

/* The public part of a received path: checked and merged into the tree. */
MUST_USE enum sotto_err path_merge(struct epoch *next, uint32_t sender,
				   const struct path_view *path, const struct leaf_list *added,
				   uint64_t now_s);

/* The secret part: keys on our path, and the commit secret. next->context is provisional. */
MUST_USE enum sotto_err path_open(struct epoch *next, uint32_t sender, const struct path_view *path,
				  const struct leaf_list *added, struct secret *commit_secret);

/*
 * Derives and stores the keys from a path secret at a level upwards, checking them against the
 * tree.
 */
MUST_USE enum sotto_err path_climb(struct epoch *next, uint32_t sender, uint32_t level,
				   const struct secret *path_secret, struct secret *commit_secret);

#endif
