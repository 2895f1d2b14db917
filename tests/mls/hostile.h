/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile member, committer or client has in hand, for tests: structures of the RFC as parsed,
 * changed in a field or two, written again and signed anew; and what an honest member says of them.
 */
#ifndef TESTS_MLS_HOSTILE_H
#define TESTS_MLS_HOSTILE_H

#include "mls/group.h"
#include "mls/welcome.h"
#include "tests/mls/world.h"

/* LeafNode: every field as the view has it now. place NULL: of a key package. */
void hostile_leaf_write(const struct world *world, const struct leaf_view *leaf,
			const struct leaf_place *place, const struct mls_identity *signer,
			struct writer *out);

/* KeyPackage, without the message's header; leaf: the encoded one that it shall have. */
void hostile_package_write(const struct world *world, const struct key_package_view *package,
			   struct bytes leaf, const struct mls_identity *signer,
			   struct writer *out);

/* GroupInfo, without the message's header: the context's fields, extensions, tag and signer. */
void hostile_info_write(const struct world *world, const struct group_info_view *info,
			const struct mls_identity *signer, struct writer *out);

/* A list of numbers as it stands in capabilities, without header. */
void hostile_types_write(struct writer *out, const uint16_t *types, size_t count);

/* A PublicMessage of a member, signed and tagged as it must be; the confirmation tag is all zeros. */
void hostile_message_write(const struct world *world, unsigned actor, enum mls_content_type type,
			   struct bytes body, uint32_t sender, struct writer *out);

struct verdict {
	enum sotto_err err;
	bool others_may_follow; /* staged where the application asks for it (config.stage_unfollowable) */
};

/*
 * What a member says of a handshake message: nothing staged, or staged and dropped, it stays exactly as
 * it was.
 */
struct verdict hostile_judge(struct mls_group *judge, struct bytes message);

/*
 * A Welcome by somebody who follows no commit and chooses the joiner secret: what the joiner is told of
 * the group, every part as the test wants it.
 */
struct hostile_welcome {
	struct group_info_view
		info; /* the context's fields, the extensions with the tree, the signer */
	const struct mls_identity *identity; /* who signs */
	struct bytes path_secret;	     /* of length 0: none */
	struct bytes psks;		     /* encoded; what they say is not mixed in */
	size_t joiner_len;		     /* 0: as it must be */
	size_t tag_len;			     /* likewise */
	uint8_t tag_change;		     /* mixed into its first byte */
	uint8_t signature_change;	     /* into its last one */
	size_t info_len;		     /* of what is sealed; 0: all */
};

/* As a message, for the client of a key package. */
void hostile_welcome_write(const struct world *world, const struct hostile_welcome *welcome,
			   const struct key_package_view *package, struct writer *out);

/* An UpdatePath of a member for what a successor's tree is now; adds: leaves that this commit adds. */
void hostile_path_write(struct epoch *next, const struct leaf_list *added, struct writer *out);

#endif
