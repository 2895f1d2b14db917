/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key packages, proposals and commits as they stand on the wire (RFC 9420 sections 10, 12.1, 12.4,
 * 7.6), parsed in place. Parsing says nothing about validity.
 */
#ifndef MLS_PROPOSAL_H
#define MLS_PROPOSAL_H

#include "mls/leaf.h"

#define MLS_VERSION 1

/* KeyPackage (10). */
struct key_package_view {
	struct bytes encoded;
	size_t signed_len; /* the part before the signature */
	uint16_t version;
	uint16_t suite;
	struct bytes init_key;
	struct leaf_view leaf;
	struct bytes extensions;
	struct bytes signature;
};

void key_package_read(struct reader *reader, struct key_package_view *view);

/* 10.1, but for what only a group knows. now_s as in struct leaf_rules. */
MUST_USE enum sotto_err key_package_check(const struct key_package_view *view,
					  const struct suite *suite,
					  const struct mls_config *config, uint64_t now_s);

/* A whole MLSMessage that holds a key package. */
MUST_USE enum sotto_err key_package_message_read(struct bytes message,
						 struct key_package_view *view);

/* PreSharedKeyID (8.4). */
enum psk_type {
	PSK_EXTERNAL = 1,
	PSK_RESUMPTION = 2,
};

struct psk_id_view {
	struct bytes encoded;
	enum psk_type type;
	struct bytes id; /* external: psk_id; resumption: psk_group_id */
	uint8_t usage;
	uint64_t epoch;
	struct bytes nonce;
};

void psk_id_read(struct reader *reader, struct psk_id_view *view);

struct proposal_view {
	uint16_t type;
	struct bytes encoded; /* with the type */
	union {
		struct key_package_view add;
		struct leaf_view update;
		uint32_t removed;
		struct psk_id_view psk;
		struct mls_reinit reinit;
		struct bytes kem_output;
		struct bytes extensions;
	};
};

/* SOTTO_ERR_UNSUPPORTED for types that are not of the RFC: their length is unknown. */
void proposal_read(struct reader *reader, struct proposal_view *view);

/* ProposalOrRef (12.4). */
struct proposal_entry {
	bool by_reference;
	struct bytes reference;
	struct proposal_view proposal;
};

void proposal_entry_read(struct reader *reader, struct proposal_entry *entry);

/* UpdatePath (7.6). */
struct path_view {
	struct leaf_view leaf;
	struct bytes nodes; /* UpdatePathNode nodes<V>, without header */
	size_t node_count;
};

void path_read(struct reader *reader, struct path_view *view);

struct path_node_view {
	struct bytes encryption_key;
	struct bytes ciphertexts; /* HPKECiphertext<V>, without header */
	size_t ciphertext_count;
};

void path_node_read(struct reader *reader, struct path_node_view *view);

struct commit_view {
	struct bytes encoded;
	struct bytes proposals; /* ProposalOrRef proposals<V>, without header */
	size_t proposal_count;
	bool has_path;
	struct path_view path;
};

void commit_read(struct reader *reader, struct commit_view *view);

#endif
