/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client of MLS has before it is in a group (RFC 9420 sections 5, 7.2, 10): cipher suites, what the
 * caller brings, identities, credentials, key packages. <sotto/mls.h> includes it and has the groups; what
 * that header says of errors and borrowed spans holds here too.
 */
#ifndef SOTTO_MLS_CLIENT_H
#define SOTTO_MLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sotto/allocator.h>
#include <sotto/bytes.h>
#include <sotto/error.h>
#include <sotto/random.h>

#include <sotto/begin.h>

/*
 * Once in a process, before its threads: libsodium picks its fastest code for this processor. It may be
 * left out: results are the same, slower. SOTTO_ERR_IO: no random source.
 */
MUST_USE enum sotto_err mls_init(void);

/*
 * Has GMP wipe what it frees, in the whole process: for a program that sets none of GMP's memory functions
 * itself, before its threads. The library calls it nowhere, and beside mls_init it is all that it ever does to
 * a process. The elliptic curves of suites 2 and 4 to 7, and X25519's public keys, are computed in scratch
 * memory from GMP's allocator, not from the caller's. Without this call it goes back to the heap as it is: with
 * the private key of an Ed448 signature (suites 4 and 6), and with what shared secrets can be computed from.
 */
void mls_gmp_wipe(void);

/* ---- Numbers of the IANA registries (RFC 9420 section 17) ---- */

enum mls_suite {
	MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519 = 1,
	MLS_128_DHKEMP256_AES128GCM_SHA256_P256 = 2,
	MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519 = 3,
	MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448 = 4,
	MLS_256_DHKEMP521_AES256GCM_SHA512_P521 = 5,
	MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448 = 6,
	MLS_256_DHKEMP384_AES256GCM_SHA384_P384 = 7,
	/* X-Wing (draft-ietf-mls-pq-ciphersuites), which has no numbers yet: these are of the range for private use. */
	MLS_MLKEM768X25519_AES128GCM_SHA256_Ed25519 = 0xF001,
	MLS_MLKEM768X25519_AES256GCM_SHA384_Ed25519 = 0xF002,
};

enum mls_wire_format {
	MLS_PUBLIC_MESSAGE = 1,
	MLS_PRIVATE_MESSAGE = 2,
	MLS_WELCOME = 3,
	MLS_GROUP_INFO = 4,
	MLS_KEY_PACKAGE = 5,
};

enum mls_content_type {
	MLS_CONTENT_NONE = 0, /* welcome, group info, key package */
	MLS_CONTENT_APPLICATION = 1,
	MLS_CONTENT_PROPOSAL = 2,
	MLS_CONTENT_COMMIT = 3,
};

enum mls_proposal_type {
	MLS_PROPOSAL_ADD = 1,
	MLS_PROPOSAL_UPDATE = 2,
	MLS_PROPOSAL_REMOVE = 3,
	MLS_PROPOSAL_PSK = 4,
	MLS_PROPOSAL_REINIT = 5,
	MLS_PROPOSAL_EXTERNAL_INIT = 6,
	MLS_PROPOSAL_GROUP_CONTEXT_EXTENSIONS = 7,
};

/* Who sent a handshake message (section 6). */
enum mls_sender_type {
	MLS_SENDER_MEMBER = 1,
	MLS_SENDER_EXTERNAL = 2,	    /* listed in the group's external_senders extension */
	MLS_SENDER_NEW_MEMBER_PROPOSAL = 3, /* asks to be added */
	MLS_SENDER_NEW_MEMBER_COMMIT = 4,   /* has added itself */
};

enum mls_extension_type {
	MLS_EXTENSION_APPLICATION_ID = 1,
	MLS_EXTENSION_RATCHET_TREE = 2,
	MLS_EXTENSION_REQUIRED_CAPABILITIES = 3,
	MLS_EXTENSION_EXTERNAL_PUB = 4,
	MLS_EXTENSION_EXTERNAL_SENDERS = 5,
	MLS_EXTENSION_PRIVATE_USE = 0xf000, /* to 0xffff: the application's own */
};

enum mls_credential_type {
	MLS_CREDENTIAL_BASIC = 1,
	MLS_CREDENTIAL_X509 = 2, /* carried and shown; chains are for the caller to validate */
};

#define MLS_SIGNATURE_KEY_LEN_MAX 133
#define MLS_HASH_LEN_MAX	  64

/*
 * Is this one of the suites that this library does? Other functions answer SOTTO_ERR_UNSUPPORTED.
 */
bool mls_suite_supported(uint16_t suite);

/* KDF.Nh of a supported suite: the length of tree hash, transcript hash, epoch authenticator. */
size_t mls_suite_hash_len(uint16_t suite);

/* ---- What the caller brings ---- */

struct mls_limits {
	uint32_t members;	      /* leaves of a tree that we build or accept */
	uint32_t cached_proposals;    /* proposals kept by reference in one epoch */
	uint32_t generations_forward; /* how far a sender's ratchet may jump in one message */
	uint32_t skipped_keys;	      /* kept for messages jumped over, per epoch; the oldest go */
	uint32_t past_epochs;	      /* epochs behind the current one whose messages still open */
	uint32_t extension_bytes;     /* of one extension list */
	uint64_t lifetime_s;	      /* longest total lifetime of a leaf; 0: any */
	uint64_t past_epoch_age_s;    /* see mls_group_expire; 0: any age */
	uint64_t skipped_key_age_s;   /* likewise */
};

/*
 * 65,536 members, 1,024 proposals, 1,000 forward, 1,000 skipped, 3 past epochs, 1 MiB, any
 * lifetime, any age. Static storage: .limits = *mls_limits_default().
 */
const struct mls_limits *mls_limits_default(void);

/* Pre-shared keys that the application holds (section 8.4). */
struct mls_psk_source {
	/* The key of an external PSK's id, borrowed until the next call; SOTTO_ERR_NOT_FOUND. */
	enum sotto_err (*find)(void *context, struct bytes id, struct bytes *psk);
	void *context;
};

struct mls_credential;

struct mls_client_matcher {
	bool (*same)(void *context, const struct mls_credential *one,
		     const struct mls_credential *other);
	void *context;
};

/*
 * Kept by reference: allocator, random source, PSK source and matcher must outlive every object
 * made with this config; the struct itself is copied.
 */
struct mls_config {
	const struct allocator *allocator;
	const struct random_source *random;
	struct mls_limits limits;
	/*
	 * Refuse to send (SOTTO_ERR_AGAIN) what has not been reserved in durable storage by
	 * mls_group_save_ratchets and mls_group_ratchets_stored. Set this wherever a group is ever
	 * loaded again: see "Saving" below. Without it the caller promises never to load.
	 */
	bool reserve_before_send;
	const struct mls_psk_source *psks; /* NULL: there are none */
	/*
	 * A commit that is valid as far as everybody can see, but whose path secret, confirmation tag or
	 * pre-shared key this member cannot verify, may be the one that all the others follow. Set this
	 * to see it staged (MLS_STAGED_UNFOLLOWABLE) instead of refused like any invalid message.
	 */
	bool stage_unfollowable;
	/*
	 * Follow commits by which newcomers add themselves (12.4.3.2). Off, they are
	 * SOTTO_ERR_UNSUPPORTED: whoever can read a GroupInfo with external_pub could come in.
	 */
	bool external_commits;
	/* Take proposals of who wants to be added (12.1.8); off, SOTTO_ERR_UNSUPPORTED. */
	bool new_member_proposals;
	/*
	 * Do two credentials present the same client (11.2, 11.3, 12.2)? NULL: if they are equal
	 * byte for byte. Asked when a group is reinitialised or branched, and when an
	 * external commit takes the place of an older leaf.
	 */
	const struct mls_client_matcher *clients;
};

/* Bytes that the library made and the caller owns. {0} is empty. */
struct mls_buffer {
	uint8_t *data;
	size_t len;
	size_t capacity;
	const struct allocator *allocator;
};

/* Wipes and releases; NULL and empty are fine; afterwards empty. */
void mls_buffer_release(struct mls_buffer *buffer);

static inline struct bytes mls_buffer_bytes(const struct mls_buffer *buffer)
{
	return sotto_bytes(buffer->data, buffer->len);
}

/* ---- Identities, leaves, key packages (sections 5, 7.2, 10) ---- */

/* A signature key pair of the suite's scheme. Wipe it with sotto_wipe when done. */
struct mls_identity {
	uint16_t suite;
	uint16_t public_len;
	uint8_t public_key[MLS_SIGNATURE_KEY_LEN_MAX];
	struct secret private_key; /* Ed25519, Ed448: the seed; ECDSA: the scalar, big-endian */
};

MUST_USE enum sotto_err mls_identity_generate(const struct mls_config *config, uint16_t suite,
					      struct mls_identity *identity);

/* SOTTO_ERR_INVALID for a key of a wrong length or out of range. */
MUST_USE enum sotto_err mls_identity_from_private(uint16_t suite, struct bytes private_key,
						  struct mls_identity *identity);

/*
 * SignWithLabel and VerifyWithLabel (section 5.1.2): "MLS 1.0 " + label is signed with content. For
 * the application's own statements by a device key; labels of the RFC's own are refused
 * (SOTTO_ERR_ARGUMENT). At most MLS_SIGNATURE_LEN_MAX bytes.
 */
#define MLS_SIGNATURE_LEN_MAX 141
MUST_USE enum sotto_err mls_sign(const struct mls_config *config,
				 const struct mls_identity *identity, const char *label,
				 struct bytes content, uint8_t *signature, size_t *signature_len);
MUST_USE enum sotto_err mls_verify(const struct mls_config *config, uint16_t suite,
				   struct bytes public_key, const char *label, struct bytes content,
				   struct bytes signature);

struct mls_credential {
	uint16_t type;
	/*
	 * basic: the identity. x509: the certificates as encoded, cert_data<V> each. Others: not
	 * creatable.
	 */
	struct bytes content;
};

struct mls_extension {
	uint16_t type;
	struct bytes data;
};

/* Seconds since 1970, both inclusive. */
struct mls_lifetime {
	uint64_t not_before;
	uint64_t not_after;
};

/* What a leaf says of itself when we make one. */
struct mls_leaf_options {
	const struct mls_identity *identity;
	struct mls_credential credential;
	/*
	 * Beside the defaults of section 7.2: a group's context extensions must be among them at every
	 * member (13.4). Types of this leaf's own extensions are added by themselves.
	 */
	const uint16_t *extension_types;
	size_t extension_type_count;
	const uint16_t *proposal_types;
	size_t proposal_type_count;
	const uint16_t *credential_types; /* beside basic, x509 and our own */
	size_t credential_type_count;
	const uint16_t *suites; /* beside the identity's; GREASE (13.5) goes here and above */
	size_t suite_count;
	const struct mls_extension *extensions;
	size_t extension_count;
	struct mls_lifetime lifetime; /* key packages and group creators only */
};

/* A leaf as others see it; spans borrow. */
struct mls_member {
	uint32_t leaf;
	struct mls_credential credential;
	struct bytes signature_key;
	struct bytes encryption_key;
	struct bytes extensions;      /* the encoded list: mls_extension_find */
	struct mls_lifetime lifetime; /* of a leaf from a key package; else both 0 */
	struct bytes encoded;	      /* the LeafNode, byte for byte */
};

/* Finds the first of a type in an encoded list of extensions; SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err mls_extension_find(struct bytes extensions, uint16_t type,
					   struct bytes *data);

/*
 * The secrets that belong to a key package: store until a welcome came, then
 * mls_key_package_secrets_wipe.
 */
struct mls_key_package_secrets {
	struct secret init_key;
	struct secret leaf_key;
};

void mls_key_package_secrets_wipe(struct mls_key_package_secrets *secrets);

/*
 * Makes a signed key package, as a whole MLSMessage, and its secrets. extensions may be NULL with
 * count 0.
 */
MUST_USE enum sotto_err mls_key_package_create(const struct mls_config *config,
					       const struct mls_leaf_options *leaf,
					       const struct mls_extension *extensions,
					       size_t extension_count, struct mls_buffer *message,
					       struct mls_key_package_secrets *secrets);

struct mls_key_package_info {
	uint16_t suite;
	struct bytes init_key;
	struct mls_member member; /* leaf is meaningless here */
	struct bytes extensions;
};

/*
 * Parses and validates (section 10.1) a key package message. now_s 0: lifetime against the clock is
 * not checked. Spans borrow from message.
 */
MUST_USE enum sotto_err mls_key_package_check(const struct mls_config *config, struct bytes message,
					      uint64_t now_s, struct mls_key_package_info *info);

/* KeyPackageRef (section 5.2): MLS_HASH_LEN_MAX bytes of room, *len is what was used. */
MUST_USE enum sotto_err mls_key_package_ref(struct bytes message, uint8_t *ref, size_t *len);

/*
 * Does this welcome hold secrets for the key package of this reference? SOTTO_ERR_NOT_FOUND if not.
 */
MUST_USE enum sotto_err mls_welcome_find(struct bytes welcome, struct bytes ref);

/*
 * The same welcome with the secrets of this one new member alone (section 12.4.3.1: each finds its own and looks at
 * no others): what a member of a large group must be sent does not grow with those who were added beside it. Errors as
 * mls_welcome_find. allocator NULL: allocator_default.
 */
MUST_USE enum sotto_err mls_welcome_for(const struct allocator *allocator, struct bytes welcome,
					struct bytes ref, struct mls_buffer *message);

#include <sotto/end.h>

#endif
