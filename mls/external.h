/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those outside: newcomers that commit themselves in (RFC 9420 sections 8.3, 12.4.3.2), and proposals
 * by who is no member (12.1.8).
 */
#ifndef MLS_EXTERNAL_H
#define MLS_EXTERNAL_H

#include "mls/group.h"

/* The key that signs a newcomer's commit: of its path's leaf. Refuses what is no such commit. */
MUST_USE enum sotto_err external_commit_signer(const struct mls_group *group,
					       const struct framed *framed,
					       struct bytes *public_key);

/*
 * Validates a list for an external commit (12.2) and applies it to next, a fresh successor of
 * before; leaf is the path's. outcome->committer: the newcomer's place, still blank.
 */
MUST_USE enum sotto_err external_list_apply(struct proposal_list *list, const struct epoch *before,
					    struct epoch *next, const struct leaf_view *leaf,
					    struct list_outcome *outcome);

/* The leftmost blank leaf of a tree; widens it if there is none. */
MUST_USE enum sotto_err external_place(struct epoch *next, uint32_t *leaf);

/* init_secret out of the list's ExternalInit (8.3), and at the other end into a kem_output. */
MUST_USE enum sotto_err external_init_open(const struct epoch *before,
					   const struct proposal_list *list, struct secret *init);
MUST_USE enum sotto_err external_init_seal(const struct suite *suite,
					   const struct random_source *random,
					   struct bytes external_pub,
					   uint8_t kem_output[KEM_ENC_LEN_MAX],
					   struct secret *init);

/* Whose key signs a proposal from outside; refuses what such a sender may not send (6.1, 12.1.8). */
MUST_USE enum sotto_err external_proposal_signer(const struct mls_group *group,
						 const struct framed *framed,
						 struct bytes *public_key);

/* config.clients, or by default equal credentials. */
bool client_same(const struct mls_config *config, const struct mls_credential *one,
		 const struct mls_credential *other);

#endif
