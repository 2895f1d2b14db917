/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a group is stored. Structures in the presentation language of RFC 9420; integers big-endian.
 *
 * epoch part:   u8 version, u16 suite, group_id<V>, of version 3 hash<V> of the tree part, u8 active,
 *               send options, epoch (tree in full, of version 3 as difference from the tree part),
 *               past epochs and the pending commit (trees as differences from the current one),
 *               cached proposals
 * tree part:    u8 version, ratchet_tree<V>
 * ratchet part: u8 version, for the current and each past epoch: u64 number, confirmation tag,
 * secret tree
 *
 * The tags tie a ratchet part to its epoch part.
 */
#ifndef MLS_SAVE_H
#define MLS_SAVE_H

#include "mls/group.h"

#define SAVE_VERSION	  2
#define SAVE_VERSION_TREE 3 /* of an epoch part that needs a tree part */

/* One epoch, without its tree: that follows. */
void epoch_save(const struct epoch *epoch, struct writer *writer);

/* Without secret tree. The group gives what its epochs share. */
MUST_USE enum sotto_err epoch_load(const struct mls_group *group, const struct tree *base,
				   struct reader *reader, struct epoch **epoch);

#endif
