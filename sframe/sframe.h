/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SFrame, RFC 9605: seals each frame of a call end to end, so that what forwards it can't read it.
 *
 *	base key, KID --> key and salt             (derived once, sframe_key_derive)
 *	plaintext --> header | AEAD(key, salt ^ CTR, header | metadata, plaintext)
 *
 * A key is for sending or for receiving, never both: they are two types. A sender never uses a
 *counter twice and refuses to wrap. A receiver keeps a window of counters and opens each frame
 *once. In sotto a KID is new at each start of a voice process, so a sender's state is never stored.
 */
#ifndef SFRAME_SFRAME_H
#define SFRAME_SFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "sframe/header.h"
#include "sframe/suite.h"

/*
 * How far behind the newest counter a frame may be and still be opened: 1,024 frames are 20 s of 20
 * ms, more than any jitter buffer waits.
 */
#define SFRAME_WINDOW 1024

/* Key and salt of one KID, section 4.4.2. Wipe it. */
struct sframe_key {
	enum sframe_suite suite;
	uint8_t key[SFRAME_KEY_LEN_MAX];
	uint8_t salt[SFRAME_NONCE_LEN];
};

/* base_key may have any length. */
void sframe_key_derive(enum sframe_suite suite, struct bytes base_key, uint64_t kid,
		       struct sframe_key *key);

/* NULL is fine. */
void sframe_key_wipe(struct sframe_key *key);

struct sframe_sender {
	struct sframe_key key;
	uint64_t kid;
	uint64_t ctr; /* of the next frame */
	bool spent;   /* the last counter was used */
};

/* The counter starts at 0: so (base_key, kid) must never be given to a second sender. */
void sframe_sender_init(struct sframe_sender *sender, enum sframe_suite suite,
			struct bytes base_key, uint64_t kid);

/* Wipes. NULL is fine. */
void sframe_sender_finish(struct sframe_sender *sender);

/*
 * Seals plaintext under the next counter. Writes header, ciphertext and tag to out (capacity bytes,
 * not overlapping plaintext) and sets *len. metadata is authenticated, not sent. SOTTO_ERR_SPACE:
 * capacity is too small, no counter is used. SOTTO_ERR_STATE: all counters are used.
 */
MUST_USE enum sotto_err sframe_seal(struct sframe_sender *sender, struct bytes metadata,
				    struct bytes plaintext, uint8_t *out, size_t capacity,
				    size_t *len);

/*
 * Seals frame so that header and all are exactly len bytes: the header grows with the counter, and
 *zeros behind the frame, inside the encryption, take up what it leaves. Plaintext of this form:
 *
 *	struct { opaque frame<V>; uint8 zeros[]; }
 *
 * SOTTO_ERR_SPACE: the frame does not fit (sframe_padded_len says what always does).
 */
MUST_USE enum sotto_err sframe_seal_padded(struct sframe_sender *sender, struct bytes metadata,
					   struct bytes frame, uint8_t *out, size_t len);

/* The smallest constant length into which frames of at most frame_len bytes fit under any counter.
 */
size_t sframe_padded_len(enum sframe_suite suite, size_t frame_len);

/* The longest plaintext of sframe_seal_padded: a frame of sotto is a few hundred bytes at most. */
#define SFRAME_PADDED_LEN_MAX 1500

struct sframe_receiver {
	struct sframe_key key;
	uint64_t kid;
	uint64_t newest; /* highest counter opened; meaningless until opened_any */
	bool opened_any;
	uint64_t seen[SFRAME_WINDOW / 64]; /* a bit for each counter modulo the window */
};

void sframe_receiver_init(struct sframe_receiver *receiver, enum sframe_suite suite,
			  struct bytes base_key, uint64_t kid);

/* Wipes. NULL is fine. */
void sframe_receiver_finish(struct sframe_receiver *receiver);

/*
 * Opens a sealed frame (sframe_header_decode says for which KID it is). Writes the plaintext to out
 * (frame.len bytes of room are always enough; out must not overlap frame), sets *len and *ctr.
 * Errors, all of which leave the receiver as it was: SOTTO_ERR_FORMAT header; SOTTO_ERR_NOT_FOUND
 * another KID; SOTTO_ERR_REPLAY opened before; SOTTO_ERR_TOO_OLD behind the window;
 * SOTTO_ERR_SPACE; SOTTO_ERR_VERIFY forged, or other metadata.
 */
MUST_USE enum sotto_err sframe_open(struct sframe_receiver *receiver, struct bytes metadata,
				    struct bytes frame, uint8_t *out, size_t capacity, size_t *len,
				    uint64_t *ctr);

/*
 * Opens what sframe_seal_padded made; *content borrows from out. Also SOTTO_ERR_INVALID: authentic,
 * but padded otherwise (its counter is used up).
 */
MUST_USE enum sotto_err sframe_open_padded(struct sframe_receiver *receiver, struct bytes metadata,
					   struct bytes frame, uint8_t *out, size_t capacity,
					   struct bytes *content, uint64_t *ctr);

#endif
