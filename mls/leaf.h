/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaf nodes (RFC 9420 sections 5.3, 7.2, 7.3). A leaf_view is a LeafNode parsed in place; a
 * leaf_node owns its encoding, is immutable and counted, and is shared between the trees of
 * successive epochs.
 */
#ifndef MLS_LEAF_H
#define MLS_LEAF_H

#include "mls/extension.h"
#include "mls/suite.h"

enum leaf_source {
	LEAF_KEY_PACKAGE = 1,
	LEAF_UPDATE = 2,
	LEAF_COMMIT = 3,
};

/* Lists are without headers; all spans borrow from encoded. */
struct leaf_view {
	struct bytes encoded;
	size_t signed_len; /* of encoded, the part before the signature */
	struct bytes encryption_key;
	struct bytes signature_key;
	struct mls_credential credential;
	struct bytes credential_encoded;
	struct bytes versions;
	struct bytes suites;
	struct bytes extension_types;
	struct bytes proposal_types;
	struct bytes credential_types;
	struct bytes capabilities_encoded;
	enum leaf_source source;
	struct mls_lifetime lifetime;
	struct bytes parent_hash;
	struct bytes extensions;
	struct bytes signature;
};

/* Credential (5.3), and as it stands on the wire. */
void credential_read(struct reader *reader, struct mls_credential *credential,
		     struct bytes *encoded);

/* Parses; says nothing about validity. */
void leaf_view_read(struct reader *reader, struct leaf_view *view);

/* Where a leaf stands: its signature covers that, except in key packages. */
struct leaf_place {
	struct bytes group_id;
	uint32_t leaf;
};

/*
 * The part of section 7.3 that needs no tree: source as expected, version listed (and suite, in key
 * packages), keys of the right form, own extensions and credential listed, lifetime (now_s 0: not
 * against the clock; lifetime_s_max 0: any), signature. place NULL for key packages.
 */
struct leaf_rules {
	const struct suite *suite;
	const struct mls_config *config;
	const struct leaf_place *place;
	uint64_t now_s;
};

MUST_USE enum sotto_err leaf_check(const struct leaf_view *view, enum leaf_source source,
				   const struct leaf_rules *rules);
MUST_USE enum sotto_err leaf_check_signature(const struct leaf_view *view,
					     const struct leaf_rules *rules);

/* 7.2: of the RFC's own, which everybody supports and nobody lists. */
bool proposal_is_default(uint16_t type);

/* 7.3, 11.1, 13.4: listed by the leaf, or default. */
bool leaf_supports_extension(const struct leaf_view *view, uint16_t type);
bool leaf_supports_proposal(const struct leaf_view *view, uint16_t type);
bool leaf_supports_credential(const struct leaf_view *view, uint16_t type);

/*
 * The extensions of a group context by themselves: length, and the form of those that we know.
 * suite NULL: one of no suite of ours.
 */
MUST_USE enum sotto_err context_extensions_check(struct bytes extensions, const struct suite *suite,
						 const struct mls_config *config);

/* external_senders among them (12.1.8.1). */
MUST_USE enum sotto_err external_senders_check(struct bytes extensions, const struct suite *suite);

/*
 * Does a leaf fit a group with these context extensions: each supported, required capabilities
 * listed?
 */
MUST_USE enum sotto_err leaf_check_context(const struct leaf_view *view, struct bytes extensions);

struct leaf_node {
	uint32_t refs;
	size_t size;
	struct leaf_view view;
	uint8_t storage[];
};

/* A counted copy of an encoding that parsed before; NULL: no memory. */
struct leaf_node *leaf_node_make(const struct allocator *allocator, struct bytes encoded);
struct leaf_node *leaf_node_ref(const struct leaf_node *leaf);
void leaf_node_drop(const struct allocator *allocator, const struct leaf_node *leaf);

/* What the public interface shows of a leaf. */
void leaf_member(const struct leaf_view *view, uint32_t leaf, struct mls_member *member);

/*
 * Makes a signed leaf. Identity, credential, capabilities and extensions come from options, or with
 * options NULL from an old leaf, signed with signature_key then.
 */
struct leaf_recipe {
	const struct mls_leaf_options *options;
	const struct leaf_view *old;
	const struct secret *signature_key;
	struct bytes encryption_key;
	enum leaf_source source;
	struct bytes parent_hash;	/* LEAF_COMMIT */
	const struct leaf_place *place; /* NULL for LEAF_KEY_PACKAGE */
	/* Of the key package around it, whose types the leaf lists too (10). */
	const struct mls_extension *package_extensions;
	size_t package_extension_count;
};

/* Appends the LeafNode to writer. */
MUST_USE enum sotto_err leaf_create(const struct suite *suite, const struct mls_config *config,
				    const struct leaf_recipe *recipe, struct writer *writer);

#endif
