/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message framing (RFC 9420 section 6): FramedContent, its signature, PublicMessage and
 * PrivateMessage.
 *
 *    content -- frame_sign --> signature -- frame_public_write | frame_private_seal --> MLSMessage
 *    MLSMessage -- message_read --> frame_public_open | frame_private_open --> content
 *        -- frame_verify
 *
 * A struct framed borrows everything. Encodings are canonical, so what was parsed is written again
 * to be hashed or signed, and no copy of the wire is kept.
 */
#ifndef MLS_FRAME_H
#define MLS_FRAME_H

#include "mls/proposal.h"
#include "mls/secret_tree.h"

/* The numbers on the wire, and of enum mls_sender_type. */
enum sender_type {
	SENDER_MEMBER = MLS_SENDER_MEMBER,
	SENDER_EXTERNAL = MLS_SENDER_EXTERNAL,
	SENDER_NEW_MEMBER_PROPOSAL = MLS_SENDER_NEW_MEMBER_PROPOSAL,
	SENDER_NEW_MEMBER_COMMIT = MLS_SENDER_NEW_MEMBER_COMMIT,
};

/* Of a member the leaf, of an external sender its index; else 0, or the leaf that was found. */
struct sender {
	enum sender_type type;
	uint32_t index;
};

/* AuthenticatedContent (6). */
struct framed {
	uint16_t wire_format;
	struct bytes group_id;
	uint64_t epoch;
	enum sender_type sender_type;
	uint32_t sender; /* member: leaf index; external: sender index */
	struct bytes authenticated_data;
	enum mls_content_type content_type;
	struct bytes body; /* application: the data; else the encoded Proposal or Commit */
	struct bytes signature;
	struct bytes confirmation_tag; /* commits */
};

static inline struct sender framed_sender(const struct framed *framed)
{
	return (struct sender){.type = framed->sender_type, .index = framed->sender};
}

/* MLSMessage (6) as far as it can be read without keys. */
struct message_view {
	enum mls_wire_format wire_format;
	struct framed framed; /* public: all; private: group, epoch, type, authenticated data */
	struct bytes membership_tag; /* public, from a member */
	struct bytes encrypted_sender_data;
	struct bytes ciphertext;
	struct bytes content_aad;     /* PrivateContentAAD */
	struct bytes sender_data_aad; /* SenderDataAAD: its beginning */
	struct bytes rest;	      /* welcome, group info, key package */
};

MUST_USE enum sotto_err message_read(struct bytes message, struct message_view *view);

/* FramedContent up to its body, which ends it; AuthenticatedContent (for proposal references). */
void framed_head_write(const struct framed *framed, struct writer *writer);
void framed_write(const struct framed *framed, struct writer *writer);
void framed_read(struct reader *reader, struct framed *framed);

/* The body of a message by its type, at the reader. */
struct bytes framed_body_read(struct reader *reader, enum mls_content_type type);

/* What an epoch gives to its messages. */
struct frame_keys {
	const struct suite *suite;
	struct bytes context; /* GroupContext */
	const struct secret *membership;
	const struct secret *sender_data;
	struct secret_tree *tree;
};

/* scratch is a growing writer, emptied before use; what lies in it afterwards is public. */
MUST_USE enum sotto_err frame_sign(const struct frame_keys *keys,
				   const struct random_source *random,
				   const struct secret *signature_key, const struct framed *framed,
				   struct writer *scratch,
				   uint8_t signature[SIGN_SIGNATURE_LEN_MAX], size_t *len);
MUST_USE enum sotto_err frame_verify(const struct frame_keys *keys, struct bytes public_key,
				     const struct framed *framed, struct writer *scratch);

/* Signed, and tagged if a commit. The membership tag is made here. */
MUST_USE enum sotto_err frame_public_write(const struct frame_keys *keys,
					   const struct framed *framed, struct writer *scratch,
					   struct writer *out);

/* Checks the membership tag of a member's message. */
MUST_USE enum sotto_err frame_public_open(const struct frame_keys *keys,
					  const struct message_view *view, struct writer *scratch);

/* Exact length of a private message of such parts. */
size_t frame_private_len(const struct suite *suite, size_t group_id_len, size_t aad_len,
			 enum mls_content_type type, size_t body_len, size_t signature_len,
			 size_t padding);

/* Seals with the key of a generation of our own ratchet; the caller consumes it before. */
MUST_USE enum sotto_err frame_private_seal(const struct frame_keys *keys,
					   const struct random_source *random,
					   const struct framed *framed,
					   const struct message_key *key, uint32_t generation,
					   size_t padding, struct writer *out);

/*
 * Decrypts into plaintext (ciphertext.len bytes of room); framed borrows from there. Nothing is
 * consumed.
 */
struct private_origin {
	uint32_t leaf;
	uint32_t generation;
};

MUST_USE enum sotto_err frame_private_open(const struct frame_keys *keys,
					   const struct message_view *view, uint8_t *plaintext,
					   struct framed *framed, struct private_origin *origin);

static inline enum ratchet_kind ratchet_of(enum mls_content_type type)
{
	return type == MLS_CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
}

#endif
