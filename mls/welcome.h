/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GroupInfo, GroupSecrets and Welcome (RFC 9420 section 12.4.3) as they stand on the wire, parsed
 * in place.
 */
#ifndef MLS_WELCOME_H
#define MLS_WELCOME_H

#include "mls/epoch.h"

struct group_info_view {
	struct bytes encoded;
	size_t signed_len; /* the part before the signature */
	struct bytes context_encoded;
	uint16_t version;
	uint16_t suite;
	struct bytes group_id;
	uint64_t epoch;
	struct bytes tree_hash;
	struct bytes confirmed_hash;
	struct bytes context_extensions;
	struct bytes extensions;
	struct bytes confirmation_tag;
	uint32_t signer;
	struct bytes signature;
};

void group_info_read(struct reader *reader, struct group_info_view *view);

/* The signature of the leaf that signed. */
MUST_USE enum sotto_err group_info_verify(const struct group_info_view *view,
					  const struct suite *suite,
					  const struct allocator *allocator,
					  struct bytes public_key);

/* Version, suite, lengths: before anything is taken from it. */
MUST_USE enum sotto_err group_info_check(const struct group_info_view *info,
					 const struct suite *suite,
					 const struct mls_config *config);

struct info_entry {
	const struct group_info_view *info;
	struct bytes tree; /* empty: in the group info */
	uint64_t now_s;	   /* as in struct leaf_rules */
	/*
	 * The info's first byte, where that is our own memory with SIGN_CONTENT_HEAD_MAX bytes before it, which
	 * are written: its signature is then verified without a copy. NULL: it is the caller's.
	 */
	uint8_t *own;
};

/*
 * Fills a new epoch with context and tree, and checks them (12.4.3.1): tree hash, signer and
 * signature, parents, every leaf. SOTTO_ERR_NOT_FOUND: there is no tree.
 */
MUST_USE enum sotto_err group_info_enter(const struct info_entry *entry, struct epoch *epoch);

struct group_secrets_view {
	struct bytes joiner_secret;
	bool has_path_secret;
	struct bytes path_secret;
	struct bytes psks; /* PreSharedKeyID psks<V>, without header */
	size_t psk_count;
};

void group_secrets_read(struct reader *reader, struct group_secrets_view *view);

struct welcome_view {
	uint16_t suite;
	struct bytes secrets; /* EncryptedGroupSecrets secrets<V>, without header */
	struct bytes encrypted_group_info;
};

void welcome_read(struct reader *reader, struct welcome_view *view);

/* The entry for a key package; SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err welcome_find(const struct welcome_view *view, struct bytes ref,
				     struct hpke_ciphertext *sealed);

/*
 * Key and nonce of encrypted_group_info from welcome_secret; nonce and key have room for the
 * longest.
 */
struct welcome_key {
	uint8_t key[AEAD_KEY_LEN_MAX];
	uint8_t nonce[AEAD_NONCE_LEN_MAX];
};

void welcome_key_derive(const struct suite *suite, const struct secret *welcome,
			struct welcome_key *key);

#endif
