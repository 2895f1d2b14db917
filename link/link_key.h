/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access keys: what lets a phone speak to a relay at all, and what the relay's own proof covers.
 *
 * An access key says "of this network", never which phone. Everything that the link keys with it
 * (TLS PSK and its identity, token MAC and mask, Initial keys, envelope mask) is derived inside
 * link/ by HKDF under labels of its own, over kind and number too: the same 32 bytes under two
 * numbers are two keys.
 */
#ifndef LINK_LINK_KEY_H
#define LINK_LINK_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "link/link.h"

enum link_key_kind {
	LINK_KEY_CLAIM = 1,  /* printed by a relay that has no network yet; founding uses it up */
	LINK_KEY_PORCH = 2,  /* of one invitation: append to the porch, read one's own inbox */
	LINK_KEY_ACCESS = 3, /* numbered: of every phone, replaced at a revocation or rotation */
};

#define LINK_SECRET_LEN 32

struct link_key {
	enum link_key_kind kind;
	uint64_t number; /* of an access key, from 1; of a porch whatever its card says; of a claim
			    0 */
	uint8_t secret[LINK_SECRET_LEN]; /* uniformly random, or out of an exporter */
};

/* How many keys a relay looks for in a packet from nowhere: live ones first, then past ones
 * (catch-up). */
#define LINK_KEYS_LIVE_MAX 4
#define LINK_KEYS_PAST_MAX 28

/* How many keys a phone tries, the newest first. */
#define LINK_CLIENT_KEYS_MAX 4

/* Wipes the secret. NULL is fine. */
void link_key_wipe(struct link_key *key);

/*
 * What a relay signs with its Ed25519 key to prove itself on one link: label, network, exporter.
 * Whoever holds that key calls this, and signs the LINK_PROOF_MESSAGE_LEN bytes that it writes to
 * message. A relay without a network (a link opened by the claim) puts 32 zero bytes for
 * network_id.
 */
#define LINK_PROOF_LABEL "sotto/1 relay proof"
#define LINK_PROOF_MESSAGE_LEN \
	(sizeof(LINK_PROOF_LABEL) - 1 + LINK_NETWORK_ID_LEN + LINK_EXPORTER_LEN)
void link_proof_message(const uint8_t *network_id, const uint8_t *exporter, uint8_t *message);

#endif
